import {
  constants,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Duplex } from "node:stream";
import type { Clock } from "@quorate/base";
import type { ApiMethods } from "../api/methods";
import { definite, type RequestFailure } from "../api/request-failure";
import type { CallMeter } from "../metrics/call-meter";
import type { CallMeters } from "../metrics/call-meters";
import { canRespond, GrpcCall, type FailureListener } from "./call";
import { contextOf, RESPONSE_HEADERS, trailersOf } from "./headers";
import { Chunks } from "./chunks";
import { streamGrpcMethod, unaryGrpcMethod, type GrpcMethod } from "./methods";
import { PING_LIMITS, PingGuard, type PingGuardOptions } from "./ping-guard";
import { grpcStatusOf } from "./status";

export interface GrpcServerOptions {
  /** How often clients may ask whether the connection still works. Default {@link PING_LIMITS}. */
  readonly pings?: PingGuardOptions;
}

export interface GrpcServerDependencies {
  readonly methods: ApiMethods;
  readonly clock: Clock;
  readonly meters: CallMeters;
  readonly failed: FailureListener;
}

interface Served {
  readonly name: string;
  readonly run: GrpcMethod;
  readonly meter: CallMeter;
}

/** As etcd: a connection that is quiet for two hours is probed, and dropped if that stays unanswered for 20 s. */
const PROBE = { afterMs: 2 * 60 * 60 * 1000, answerMs: 20_000 };
/** Bytes that a client may send before they have been read: of one call, and of a connection. */
const STREAM_WINDOW_BYTES = 1024 * 1024;
const CONNECTION_WINDOW_BYTES = 4 * 1024 * 1024;
/**
 * Calls that a client may break off, at once and per second: breaking off is how HTTP/2 servers are flooded, but clients with
 * short deadlines do it honestly whenever a leader is lost.
 */
const RESETS = { burst: 10_000, perSecond: 2000 };
const SESSION_MEMORY_MB = 1024;
/** The deadline of a call is the door's to keep: what works for it would say the same later, and in other words. */
const DEADLINE_MARGIN_MS = 1000;

const { HTTP2_HEADER_METHOD, HTTP2_HEADER_PATH, HTTP2_HEADER_CONTENT_TYPE, HTTP2_HEADER_STATUS } = constants;

/**
 * The gRPC door: gRPC's protocol on Node's HTTP/2. It listens on nothing itself: connections that speak HTTP/2 are handed to
 * it, plain or with TLS already set up.
 */
export class GrpcServer implements AsyncDisposable {
  readonly #server: Http2Server;
  readonly #methods = new Map<string, Served>();
  readonly #sessions = new Set<ServerHttp2Session>();

  constructor(
    private readonly options: GrpcServerOptions,
    private readonly dependencies: GrpcServerDependencies,
  ) {
    const { methods } = dependencies;
    for (const [name, method] of Object.entries(methods.unary)) this.#add(name, unaryGrpcMethod(method));
    const chunks = new Chunks();
    for (const [name, method] of Object.entries(methods.streams)) {
      this.#add(name, streamGrpcMethod(method, chunks));
    }
    this.#server = createServer({
      settings: { initialWindowSize: STREAM_WINDOW_BYTES, maxConcurrentStreams: 0xffff_ffff },
      maxSessionMemory: SESSION_MEMORY_MB,
      streamResetBurst: RESETS.burst,
      streamResetRate: RESETS.perSecond,
    });
    this.#server.on("session", (session) => this.#begin(session));
    this.#server.on("sessionError", () => undefined); // ends the connection, which is all there is to it
  }

  /** Serves a connection, which is this server's from now on. */
  take(socket: Duplex): void {
    this.#server.emit("connection", socket);
  }

  /** Takes no more calls, lets those that run end for up to `graceMs`, then breaks off. Idempotent. */
  async stop(graceMs: number): Promise<void> {
    const sessions = [...this.#sessions];
    const closed = sessions.map(
      (session) => new Promise<void>((resolve) => void session.once("close", resolve)),
    );
    for (const session of sessions) session.close();
    const tooLong = setTimeout(() => {
      for (const session of sessions) session.destroy();
    }, graceMs);
    await Promise.all(closed);
    clearTimeout(tooLong);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop(0);
  }

  #add(name: string, run: GrpcMethod): void {
    this.#methods.set(`/${name}`, { name, run, meter: this.dependencies.meters.ofRpc(name) });
  }

  #begin(session: ServerHttp2Session): void {
    const { clock } = this.dependencies;
    const guard = new PingGuard(this.options.pings ?? PING_LIMITS);
    const streams = new Set<ServerHttp2Stream>();
    this.#sessions.add(session);
    session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
    const stopProbing = this.#probe(session);
    session.on("error", () => undefined);
    session.on("close", () => {
      stopProbing();
      this.#sessions.delete(session);
    });
    session.on("ping", () => {
      // A large answer is handed over at once and leaves in many frames, between which grpc-go's clients measure the connection.
      if ([...streams].some(({ writableLength }) => writableLength > 0)) guard.sent();
      if (!guard.pinged(clock.now(), streams.size > 0) || session.destroyed) return;
      session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0, Buffer.from("too_many_pings"));
      session.destroy();
    });
    session.on("stream", (stream, headers) => {
      stream.on("error", () => undefined); // of a caller that is gone; without a listener it would end the process
      if (!canRespond(stream)) return; // it was taken back with the bytes that brought it
      streams.add(stream);
      stream.on("close", () => streams.delete(stream));
      this.#call(stream, headers, () => guard.sent());
    });
  }

  #call(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, sending: () => void): void {
    const type = String(headers[HTTP2_HEADER_CONTENT_TYPE]);
    if (headers[HTTP2_HEADER_METHOD] !== "POST") return refuseRequest(stream, 405);
    if (!type.startsWith("application/grpc")) return refuseRequest(stream, 415);
    const path = String(headers[HTTP2_HEADER_PATH]);
    const served = this.#methods.get(path);
    if (served === undefined) return refuseCall(stream, this.#unimplemented(path));
    const context = contextOf(headers);
    if (typeof context === "string") return refuseCall(stream, definite("unreadable-message", context));
    const { meters: _, ...dependencies } = this.dependencies;
    const { name, meter } = served;
    const call = new GrpcCall(
      { name, timeoutMs: context.timeoutMs },
      { ...dependencies, stream, headers, meter, sending },
    );
    served.run(call, stream, { ...context, timeoutMs: context.timeoutMs + DEADLINE_MARGIN_MS });
  }

  /** In the words of grpc-go. */
  #unimplemented(path: string): RequestFailure {
    const [, service = "", method = ""] = path.split("/");
    const isKnown = [...this.#methods.keys()].some((known) => known.startsWith(`/${service}/`));
    const text = isKnown ? `unknown method ${method} for service ${service}` : `unknown service ${service}`;
    return definite("unimplemented", text);
  }

  #probe(session: ServerHttp2Session): () => void {
    const { clock } = this.dependencies;
    let timer = clock.setTimer(PROBE.afterMs, ask);
    function ask(): void {
      if (session.destroyed) return; // "close" follows
      timer = clock.setTimer(PROBE.answerMs, () => session.destroy());
      session.ping(() => {
        timer.cancel();
        if (!session.destroyed) timer = clock.setTimer(PROBE.afterMs, ask);
      });
    }
    return () => timer.cancel();
  }
}

function refuseRequest(stream: ServerHttp2Stream, status: number): void {
  stream.respond({ [HTTP2_HEADER_STATUS]: status }, { endStream: true });
  stream.resume();
}

function refuseCall(stream: ServerHttp2Stream, failure: RequestFailure): void {
  stream.respond({ ...RESPONSE_HEADERS, ...trailersOf(grpcStatusOf(failure)) }, { endStream: true });
  stream.resume();
}
