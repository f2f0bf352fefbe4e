import { connect as connectSocket } from "node:net";
import { connect, constants, type ClientHttp2Session } from "node:http2";
import { concatBytes, randomChance, randomInteger, randomPick, type Prng } from "@quorate/base";

/** How one call ended: the status that the server sent, or that the attacker himself tore it down. */
export type CallEnd = { readonly status: number } | "torn";

const CALL_MS_MAX = 2_000;

/** Frames and streams of gRPC written by hand, as no library would send them. */
export class Http2Attacker {
  readonly #address: string;
  readonly #prng: Prng;
  #session: ClientHttp2Session | undefined;

  /** @param address host:port of the gateway. */
  constructor(address: string, prng: Prng) {
    this.#address = address;
    this.#prng = prng;
  }

  /** Sends `messages` on one stream, half of them closed properly, the others reset or left alone in the middle. */
  call(path: string, messages: readonly Uint8Array[]): Promise<CallEnd> {
    const prng = this.#prng;
    const stream = this.#connected().request({
      [constants.HTTP2_HEADER_METHOD]: "POST",
      [constants.HTTP2_HEADER_PATH]: path,
      "content-type": randomChance(prng, 0.95) ? "application/grpc" : "text/plain",
      te: "trailers",
      ...(randomChance(prng, 0.1)
        ? { "grpc-encoding": randomPick(prng, ["gzip", "deflate", "snappy"]) }
        : {}),
      ...(randomChance(prng, 0.1)
        ? { "grpc-timeout": randomPick(prng, ["1n", "99999999H", "-1S", "x"]) }
        : {}),
    });
    return new Promise((resolve) => {
      let status = -1;
      const read = (headers: Record<string, unknown>): void => {
        const code = Number(headers["grpc-status"] ?? (Number(headers[":status"]) === 200 ? -1 : 2));
        if (code >= 0) status = code;
      };
      const timer = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), CALL_MS_MAX);
      stream.on("response", read);
      stream.on("trailers", read);
      stream.on("error", () => {}); // "close" follows
      stream.on("close", () => {
        clearTimeout(timer);
        resolve(status >= 0 ? { status } : "torn");
      });
      stream.resume();
      for (const message of messages) stream.write(this.#framed(message));
      if (randomChance(prng, 0.6)) stream.end();
      else if (randomChance(prng, 0.5)) stream.close(constants.NGHTTP2_CANCEL);
    });
  }

  /** Many calls that are given up at once, pings, and headers that nobody needs. */
  flood(): void {
    const session = this.#connected();
    for (let at = 0; at < 100; at += 1) {
      const stream = session.request({
        ":method": "POST",
        ":path": "/etcdserverpb.KV/Range",
        [`x-${at}`]: "y".repeat(200),
      });
      stream.on("error", () => {});
      stream.close(constants.NGHTTP2_CANCEL);
      if (!session.destroyed) session.ping(() => {});
    }
  }

  /** A connection that says whatever it likes, and is closed by whoever has enough first. */
  garbage(bytes: Uint8Array): Promise<void> {
    const [host = "", port] = this.#address.split(":");
    const preface = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    return new Promise((resolve) => {
      const socket = connectSocket(Number(port), host);
      const timer = setTimeout(() => socket.destroy(), 200);
      socket.on("error", () => {}); // "close" follows
      socket.on("close", () => {
        clearTimeout(timer);
        resolve();
      });
      socket.resume();
      socket.write(randomChance(this.#prng, 0.7) ? concatBytes([preface, bytes]) : bytes);
    });
  }

  close(): void {
    this.#session?.destroy();
  }

  #connected(): ClientHttp2Session {
    const open = this.#session;
    if (open !== undefined && !open.destroyed && !open.closed) return open;
    const session = connect(`http://${this.#address}`);
    session.on("error", () => session.destroy()); // the server may well have had enough
    this.#session = session;
    return session;
  }

  /** Nearly always as gRPC wants it; else with a lie in the length, or with the flag of a compression that was not used. */
  #framed(message: Uint8Array): Uint8Array {
    const prng = this.#prng;
    const head = Buffer.alloc(5);
    head[0] = randomChance(prng, 0.05) ? randomInteger(prng, 1, 255) : 0;
    const lie = randomChance(prng, 0.05) ? randomPick(prng, [1, -1, 2 ** 31, 3_000_000]) : 0;
    head.writeUInt32BE(Math.max(0, message.length + lie));
    return concatBytes([head, message]);
  }
}
