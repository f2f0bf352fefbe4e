import { createServer, connect } from "node:net";
import { CommandError } from "../command-error";

/** Whether nobody listens there yet. Somebody may the moment after: the process that listens has the last word. */
export function isPortFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** `preferred` if it is free, else one that the system picks. */
export async function freePort(host: string, preferred: number): Promise<number> {
  if (await isPortFree(host, preferred)) return preferred;
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen({ host, port: 0 }, () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/** Whether somebody accepts a connection within `timeoutMs`. */
export function accepts(host: string, port: number, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs });
    const end = (accepted: boolean): void => {
      socket.destroy();
      resolve(accepted);
    };
    socket.once("connect", () => end(true));
    socket.once("timeout", () => end(false));
    socket.once("error", () => end(false));
  });
}

/** Host and port of a `nats://` or `http://` address; 4222 is the port of a broker's that tells none. */
export function addressOf(url: string): { readonly host: string; readonly port: number } {
  const { hostname, port } = new URL(url);
  return { host: hostname.replace(/^\[|\]$/g, ""), port: port === "" ? 4222 : Number(port) };
}

/** @throws {CommandError} A gateway could not listen where it is to. */
export async function checkClientUrls(urls: readonly string[]): Promise<void> {
  for (const url of urls) {
    const { host, port } = addressOf(url);
    if (await isPortFree(host, port)) continue;
    throw new CommandError(
      `Port ${port} of ${host} is in use or not ours to use: stop what listens there (another etcd?), or choose with ` +
        `--client-urls http://127.0.0.1:12379.`,
    );
  }
}
