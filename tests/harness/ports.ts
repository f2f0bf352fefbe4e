import { randomInt } from "node:crypto";
import { createServer, type Server } from "node:net";

/** Below those that the kernel gives to outgoing connections, which come and go between the choice of a port and its use. */
const LOWEST = 10_000;
const HIGHEST = 32_000;
const TRIES_MAX = 100;

/**
 * Finds ports of the loopback interface that nobody listens on.
 *
 * They are all held open until the last is known, so that they differ; after that they are free for anyone, so a test
 * binds them soon.
 */
export async function freePorts(count: number): Promise<number[]> {
  const held: { readonly port: number; readonly server: Server }[] = [];
  for (let tries = 0; held.length < count; tries += 1) {
    if (tries > TRIES_MAX + count) throw new Error(`No ${count} free ports from ${LOWEST} to ${HIGHEST}`);
    const port = randomInt(LOWEST, HIGHEST);
    const server = await listening(port);
    if (server !== undefined) held.push({ port, server });
  }
  await Promise.all(held.map(({ server }) => new Promise((closed) => server.close(closed))));
  return held.map(({ port }) => port);
}

/** @returns `undefined` if the port is taken. */
function listening(port: number): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) =>
      error.code === "EADDRINUSE" ? resolve(undefined) : reject(error),
    );
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}
