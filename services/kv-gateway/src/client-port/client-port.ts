import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { ListenError } from "@quorate/probes";
import { Http2Opening } from "./http2-opening";
import { sniffProtocol, type SniffedProtocol } from "./protocol-sniffer";
import { TlsTermination, type TlsOptions } from "./tls-termination";

export interface ClientPortOptions {
  /** Host and port to listen on; port 0 takes a free one. */
  readonly host: string;
  readonly port: number;
  /** How long a connection may leave open what it speaks, in milliseconds; then it is dropped. Default {@link SNIFF_MS}. */
  readonly sniffMs?: number;
  /** With it only connections inside TLS are served, without it only plain ones. */
  readonly tls?: TlsOptions | undefined;
}

/**
 * Who takes a connection. The socket is handed over paused, with everything received still to be read. Its taker owns it,
 * errors and all.
 */
export interface ConnectionTakers {
  readonly http1: (socket: Socket) => void;
  readonly http2: (socket: Socket) => void;
  /** Told when certificates were replaced on disk, and if they are of no use, why. */
  readonly reloaded?: (error?: Error) => void;
}

/** Connections that say nothing must not pile up; any client sends its first bytes at once. */
export const SNIFF_MS = 10_000;

/** In the words of Go's servers, for whoever forgot the `s` of `https`. */
const NOT_ENCRYPTED =
  "HTTP/1.0 400 Bad Request\r\nConnection: close\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

/**
 * The address that etcd clients connect to: gRPC and HTTP/1 share it, told apart by their first bytes, in the clear or inside TLS.
 * Not by what TLS negotiates (ALPN): there are clients that do not ask for it.
 */
export class ClientPort implements AsyncDisposable {
  readonly #undecided = new Set<Socket>();
  readonly #sniffMs: number;
  readonly #server: Server;
  readonly #tls: TlsTermination | undefined;

  private constructor(
    options: ClientPortOptions,
    private readonly takers: ConnectionTakers,
  ) {
    this.#sniffMs = options.sniffMs ?? SNIFF_MS;
    this.#tls =
      options.tls &&
      new TlsTermination(options.tls, {
        now: () => performance.now(),
        opened: (socket) => this.#sniff(socket, false),
        reloaded: (error) => takers.reloaded?.(error),
      });
    const mustEncrypt = this.#tls !== undefined;
    // Not half-open: grpc-js leaves it to the socket to close when its client does, and connections would pile up.
    // No delay, as in Node's own HTTP server: small answers leave at once.
    this.#server = createServer({ allowHalfOpen: false, noDelay: true }, (socket) =>
      this.#sniff(socket, mustEncrypt),
    );
  }

  /**
   * @throws {ListenError} the address cannot be listened on.
   * @throws {TlsFilesError} the certificates are of no use.
   */
  static async listen(options: ClientPortOptions, takers: ConnectionTakers): Promise<ClientPort> {
    const { host, port } = options;
    const clientPort = new ClientPort(options, takers);
    await new Promise<void>((resolve, reject) => {
      const server = clientPort.#server;
      server.once("error", (cause) => reject(new ListenError(addressOf(options), { cause })));
      server.listen({ host, port }, resolve);
    });
    return clientPort;
  }

  /** Where it really listens, until it is stopped. */
  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0;
  }

  /** Takes no more connections, and drops those that have not said what they speak. Idempotent. */
  stop(): void {
    this.#server.close();
    for (const socket of this.#undecided) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
  }

  #hand(socket: Socket, protocol: SniffedProtocol, mustEncrypt: boolean): void {
    if (protocol === "tls") {
      if (mustEncrypt) this.#tls!.take(socket);
      else turnAway(socket); // TLS libraries report that as such, and at once
    } else if (mustEncrypt) turnAway(socket, protocol === "http1" ? NOT_ENCRYPTED : "");
    else this.takers[protocol](socket);
  }

  #sniff(socket: Socket, mustEncrypt: boolean): void {
    let received: Buffer | undefined;
    const drop = (): void => void socket.destroy();
    const forget = (): void => {
      clearTimeout(tooLate);
      this.#undecided.delete(socket);
    };
    const tooLate = setTimeout(drop, this.#sniffMs);
    this.#undecided.add(socket);
    const decide = (chunk: Buffer): void => {
      received = received === undefined ? chunk : Buffer.concat([received, chunk]);
      const protocol = sniffProtocol(received);
      if (protocol === undefined) return;
      socket.off("data", decide);
      if (protocol === "http2" && !mustEncrypt) return opening(received);
      handOver(protocol, received);
    };
    const opening = (start: Buffer): void => {
      const http2 = new Http2Opening((bytes) => void socket.write(bytes));
      const read = (chunk: Buffer): void => {
        const all = http2.push(chunk);
        if (http2.isGreeted) clearTimeout(tooLate); // it may be long until the first request
        if (all === undefined) return;
        socket.off("data", read);
        if (all === "broken") drop();
        else handOver("http2", all);
      };
      socket.on("data", read);
      read(start);
    };
    const handOver = (protocol: SniffedProtocol, bytes: Buffer): void => {
      forget();
      socket.off("end", drop).off("error", drop).off("close", forget);
      // Both servers read what is buffered here before they read from the connection itself.
      socket.pause();
      socket.unshift(bytes);
      this.#hand(socket, protocol, mustEncrypt);
    };
    socket.on("data", decide).on("end", drop).on("error", drop).on("close", forget);
  }
}

function turnAway(socket: Socket, lastWords = ""): void {
  socket.on("error", () => socket.destroy());
  socket.end(lastWords, () => socket.destroy());
}

function addressOf({ host, port }: ClientPortOptions): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
