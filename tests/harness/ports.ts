import { createServer, type AddressInfo } from "node:net";

/**
 * Asks the kernel for ports of the loopback interface that nobody listens on.
 *
 * They are all held open until the last is known, so that they differ; after that they are free for anyone, so a test
 * binds them soon.
 */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((listening, failed) => {
        server.once("error", failed);
        server.listen(0, "127.0.0.1", listening);
      });
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}
