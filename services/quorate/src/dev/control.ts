import { createHash } from "node:crypto";
import { chmodSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CommandError, messageOf } from "../command-error";

/** What other commands ask a running supervisor to do. */
export interface ControlRequest {
  readonly command: "status" | "stop" | "kill" | "pause" | "resume" | "start" | "add" | "remove";
  /** Of a process; for all commands but "status", "stop" and "add". */
  readonly name?: string;
  /** With "add": leave it a learner. */
  readonly learner?: boolean;
}

export interface ControlResponse {
  readonly ok: boolean;
  /** For the person who asked. */
  readonly message: string;
}

/** macOS allows 104 bytes, Linux 108, with the zero at the end. */
const SOCKET_PATH_BYTES_MAX = 103;
const REQUEST_CHARACTERS_MAX = 4096;

/** The socket of the supervisor of `dataDir`: inside it, unless its path is too long for a socket. */
export function controlPath(dataDir: string): string {
  const path = join(dataDir, "control.sock");
  if (Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX) return path;
  const digest = createHash("sha256").update(dataDir).digest("hex").slice(0, 16);
  return join(tmpdir(), `quorate-${digest}.sock`);
}

/**
 * Serves one request per connection, a line of JSON each way. Holding the socket is also what makes a supervisor the only
 * one of its directory.
 *
 * @throws {CommandError} Another supervisor holds it.
 */
export async function serveControl(
  path: string,
  handle: (request: ControlRequest) => Promise<ControlResponse>,
): Promise<AsyncDisposable> {
  // A supervisor that was killed leaves its socket behind; one that answers is alive.
  if (!(await isControlled(path))) rmSync(path, { force: true });
  const server = createServer((socket) => answer(socket, handle));
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      const taken = "code" in cause && cause.code === "EADDRINUSE";
      const message = taken
        ? "Another supervisor has just started here."
        : `Cannot listen on ${path}: ${cause.message}.`;
      reject(new CommandError(message, 1, { cause }));
    });
    server.listen(path, resolve);
  });
  chmodSync(path, 0o600); // who may connect may stop the cluster
  return { [Symbol.asyncDispose]: () => closed(server) };
}

/** Whether a supervisor listens. */
export function isControlled(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** @throws {CommandError} No supervisor listens, or it hung up. */
export function askSupervisor(path: string, request: ControlRequest): Promise<ControlResponse> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => socket.write(`${JSON.stringify(request)}\n`));
    let text = "";
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => {
      text += chunk;
    });
    socket.once("error", (cause) => reject(new CommandError("No supervisor answers there.", 1, { cause })));
    socket.once("close", () => {
      try {
        resolve(JSON.parse(text) as ControlResponse);
      } catch (cause) {
        reject(new CommandError("The supervisor ended before it answered.", 1, { cause }));
      }
    });
  });
}

function answer(socket: Socket, handle: (request: ControlRequest) => Promise<ControlResponse>): void {
  let text = "";
  socket.setEncoding("utf8");
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk: string) => {
    text += chunk;
    if (text.length > REQUEST_CHARACTERS_MAX) socket.destroy();
    if (!text.endsWith("\n")) return;
    void respond(text, handle).then((response) => socket.end(`${JSON.stringify(response)}\n`));
  });
}

async function respond(
  text: string,
  handle: (request: ControlRequest) => Promise<ControlResponse>,
): Promise<ControlResponse> {
  try {
    return await handle(JSON.parse(text) as ControlRequest);
  } catch (error) {
    return { ok: false, message: messageOf(error) };
  }
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => void server.close(() => resolve()));
}
