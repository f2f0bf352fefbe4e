import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { answerText, type HttpHandler } from "@quorate/probes";
import { GrpcCode } from "../grpc/status";
import { answerError, httpStatusOf } from "./answer";
import type { RpcRoutes } from "./rpc-routes";

export interface HttpServerOptions {
  /** How long the headers of a request may take, in milliseconds. Default {@link HEADERS_MS}. */
  readonly headersMs?: number;
}

export interface HttpServerDependencies {
  /** Answered to `POST`. */
  readonly rpcs: RpcRoutes;
  /** Answered to `GET`, by path. */
  readonly pages: ReadonlyMap<string, HttpHandler>;
}

export const HEADERS_MS = 10_000;
/** How long a connection without a request is kept. Longer than clients' own pools do: whoever closes first risks a race. */
const KEEP_ALIVE_MS = 5 * 60_000;
/** How late a connection that takes too long over its headers may be noticed. */
const LATE_HEADERS_CHECK_MS = 1000;

/**
 * The HTTP/1 door: etcd's JSON gateway under `/v3/` and the pages beside it. Like the gRPC door it listens on nothing:
 * connections are handed to it.
 */
export class HttpServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #headersMs: number;
  #running = 0;
  #stopping: (() => void) | undefined;

  constructor(
    options: HttpServerOptions,
    private readonly dependencies: HttpServerDependencies,
  ) {
    this.#headersMs = options.headersMs ?? HEADERS_MS;
    const respond = (request: IncomingMessage, response: ServerResponse): void =>
      this.#respond(request, response);
    this.#server = createServer(
      {
        headersTimeout: this.#headersMs,
        // Bodies are timed where they are read: that of a stream may take as long as it likes.
        requestTimeout: 0,
        keepAliveTimeout: KEEP_ALIVE_MS,
        connectionsCheckingInterval: Math.min(LATE_HEADERS_CHECK_MS, this.#headersMs),
      },
      respond,
    );
    // Node starts to watch for late headers when a server listens, which this one never does.
    this.#server.emit("listening");
  }

  /** Serves a connection, which is this server's from now on. */
  take(socket: Socket): void {
    this.#server.emit("connection", socket);
    socket.resume();
  }

  /** Ends streams, takes no new requests, lets those that run end for up to `graceMs`, then breaks off. Idempotent. */
  async stop(graceMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, graceMs);
      this.#stopping = () => {
        if (this.#running > 0) return;
        clearTimeout(timer);
        resolve();
      };
      this.dependencies.rpcs.stop();
      this.#server.closeIdleConnections();
      this.#stopping();
    });
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop(0);
  }

  #respond(request: IncomingMessage, response: ServerResponse): void {
    this.#running += 1;
    response.on("close", () => {
      this.#running -= 1;
      this.#stopping?.();
    });
    // Nothing more may come on this connection, or it would never be idle.
    if (this.#stopping !== undefined) response.shouldKeepAlive = false;
    if (request.method === "OPTIONS") return answerText(response, 200, "");
    const path = pathOf(request.url ?? "");
    const rpc = this.dependencies.rpcs.handlers.get(path);
    const page = this.dependencies.pages.get(path);
    if (rpc !== undefined) {
      if (request.method === "POST") return rpc(request, response);
      return answerWrongMethod(response);
    }
    if (page !== undefined) {
      if (request.method === "GET") return page(request, response);
      return answerText(response, 405, "Method Not Allowed\n", { Allow: "GET" });
    }
    if (!path.startsWith("/v3/")) return answerText(response, 404, "404 page not found\n");
    const status = { code: GrpcCode.NOT_FOUND, message: "Not Found" };
    answerError(response, status, {}, httpStatusOf(status));
  }
}

/** Without the query, and as it is called now: `/v3beta/` was etcd 3.3's name of `/v3/`. */
function pathOf(url: string): string {
  const query = url.indexOf("?");
  const path = query < 0 ? url : url.slice(0, query);
  return path.startsWith("/v3beta/") ? `/v3/${path.slice("/v3beta/".length)}` : path;
}

/** 405, as up to etcd 3.5, with the body of later ones, which say 501. */
function answerWrongMethod(response: ServerResponse): void {
  const status = { code: GrpcCode.UNIMPLEMENTED, message: "Method Not Allowed" };
  answerError(response, status, { Allow: "POST" }, 405);
}
