import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface NatsServerOptions {
  /** Default: one that was free a moment ago. */
  readonly port?: number;
  /** The broker's limit in bytes. Default: its own, 1 MiB. */
  readonly maxPayload?: number;
  /** Further lines of configuration, such as `authorization { ... }`. */
  readonly config?: string;
}

/** A broker in a process of its own, for tests. */
export interface NatsServer {
  readonly url: string;
  readonly port: number;
  /** Of the running process, or of the last one. */
  readonly pid: number;
  /** Ends it in order and removes its files. Idempotent; to be called at the end, whatever happened before. */
  stop(): Promise<void>;
  /** Ends it as a crash would (SIGKILL), ready for {@link restart}. */
  kill(): Promise<void>;
  /** Starts it again on the same port, killing it first if it runs. */
  restart(): Promise<void>;
  /** Freezes it (SIGSTOP): connections stay open and nothing moves. */
  pause(): void;
  /** Lets a paused one go on (SIGCONT). */
  resume(): void;
  /** Sends it any other signal, such as SIGUSR2 for lame-duck mode. */
  signal(signal: NodeJS.Signals): void;
}

/**
 * Starts `nats-server` (on the PATH) on the loopback interface and waits until it accepts clients.
 *
 * @throws {NatsServerError} It could not be started, or ended at once; the message holds what it printed.
 */
export async function startNatsServer(options: NatsServerOptions = {}): Promise<NatsServer> {
  const port = options.port ?? (await freePort());
  const directory = await mkdtemp(join(tmpdir(), "quorate-nats-"));
  const configFile = join(directory, "nats.conf");
  await writeFile(configFile, configuration(port, options));
  let running: ChildProcess;
  try {
    running = await launch(configFile);
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (running.exitCode !== null || running.signalCode !== null) return;
    const exited = once(running, "exit");
    running.kill("SIGCONT"); // a paused process takes no signal but SIGKILL
    running.kill(signal);
    await exited;
  }

  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    get pid() {
      return running.pid!;
    },
    stop: async () => {
      await end("SIGTERM");
      await rm(directory, { recursive: true, force: true });
    },
    kill: () => end("SIGKILL"),
    restart: async () => {
      await end("SIGKILL");
      running = await launch(configFile);
    },
    pause: () => void running.kill("SIGSTOP"),
    resume: () => void running.kill("SIGCONT"),
    signal: (signal) => void running.kill(signal),
  };
}

/** The broker could not be started. */
export class NatsServerError extends Error {
  override readonly name = "NatsServerError";
  readonly code = "nats-server";

  constructor(reason: string, options?: { readonly cause?: unknown }) {
    super(`Cannot start nats-server: ${reason}`, options);
  }
}

/** A TCP port of the loopback interface that nobody listens on, as of now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

function configuration(port: number, { maxPayload, config }: NatsServerOptions): string {
  const lines = ['host: "127.0.0.1"', `port: ${port}`];
  if (maxPayload !== undefined) lines.push(`max_payload: ${maxPayload}`);
  if (config !== undefined) lines.push(config);
  return `${lines.join("\n")}\n`;
}

function launch(configFile: string): Promise<ChildProcess> {
  const child = spawn("nats-server", ["--config", configFile], { stdio: ["ignore", "ignore", "pipe"] });
  const endWithUs = (): void => void child.kill("SIGKILL");
  process.once("exit", endWithUs);
  child.once("exit", () => process.off("exit", endWithUs));
  return new Promise((resolve, reject) => {
    let log = "";
    child.on("error", (cause) => reject(new NatsServerError("is it installed and on the PATH?", { cause })));
    child.on("exit", () => reject(new NatsServerError(`it ended at once and said\n${log}`)));
    child.stderr.on("data", (chunk: Buffer) => {
      if (log.length > 100_000) return; // only the beginning is of interest, the pipe must still be read
      log += chunk.toString();
      if (log.includes("Server is ready")) resolve(child);
    });
  });
}
