import type { IncomingMessage, ServerResponse } from "node:http";
import { utf8 } from "@quorate/base";
import type { HttpHandler } from "@quorate/probes";
import { messageFromJson, messageToJson, parseJson, rpcSchemaOf, type RpcSchema } from "@quorate/wire";
import type { Instant } from "../actors/instant";
import { definite, type RequestFailure } from "../api/request-failure";
import type { SharedResponses } from "../api/shared-responses";
import type { StreamCall, StreamMethod, StreamSink } from "../api/stream-method";
import { GrpcCode, statusOf, type ClientStatus } from "../grpc/status";
import type { CallMeter } from "../metrics/call-meter";
import { beginStream, httpStatusOf } from "./answer";
import { contextOf } from "./call-context";
import { JsonSplitter, JsonStreamError } from "./json-splitter";
import type { RouteDependencies } from "./route";

/** How long a client may go on sending to a stream that was ended, in milliseconds. */
const LINGER_MS = 5000;

/** Streams that run, so that a stopping server can end them. */
export type OpenStreams = Set<{ abort(failure: RequestFailure): void }>;

/**
 * One streaming method over HTTP/1: the request's body is a sequence of JSON objects, the answer one of lines
 * `{"result":…}` and, if it ends badly, `{"error":…}`.
 *
 * @param name `etcdserverpb.Watch/Watch`
 */
export function streamRoute(
  name: string,
  method: StreamMethod,
  openStreams: OpenStreams,
  { failed, meters, limits }: RouteDependencies,
): HttpHandler {
  const schema = rpcSchemaOf(name);
  const meter = meters.ofRpc(name);
  return (request, response) => {
    const ended = (status: ClientStatus): void => {
      openStreams.delete(stream);
      if (status.code !== GrpcCode.OK) failed(name, status, false);
    };
    const stream = new HttpStream(request, response, { schema, meter, bytesMax: limits.bytesMax, ended });
    openStreams.add(stream);
    stream.open(method);
  };
}

/** Shows a failure as a stream of one line. */
export function answerStreamError(response: ServerResponse, failure: RequestFailure): void {
  const status = statusOf(failure);
  beginStream(response, httpStatusOf(status));
  response.end(errorLine(status));
}

interface HttpStreamDependencies {
  readonly schema: RpcSchema;
  readonly meter: CallMeter;
  /** Largest JSON object in the request, in bytes. */
  readonly bytesMax: number;
  readonly ended: (status: ClientStatus) => void;
}

/** One stream. Invariant: its call hears nothing more once it has ended, for whatever reason. */
class HttpStream implements StreamSink {
  readonly #splitter: JsonSplitter;
  readonly #startedAt: Instant;
  #call: StreamCall | undefined;
  #open = true;

  constructor(
    private readonly request: IncomingMessage,
    private readonly response: ServerResponse,
    private readonly dependencies: HttpStreamDependencies,
  ) {
    this.#splitter = new JsonSplitter(dependencies);
    this.#startedAt = dependencies.meter.start();
  }

  open(method: StreamMethod): void {
    const { request, response } = this;
    response.on("close", () => this.#gone());
    const context = contextOf(request.headers);
    if (typeof context === "string") return this.end(definite("malformed", context));
    const call = method(context, this);
    if (!this.#open) return;
    this.#call = call;
    response.on("drain", () => {
      if (this.#open) call.drained();
    });
    request.on("data", (chunk: Buffer) => this.#receive(() => this.#splitter.push(chunk), call));
    request.on("end", () => {
      this.#receive(() => {
        this.#splitter.end();
        return [];
      }, call);
      if (this.#open) call.endOfRequests();
    });
  }

  send(message: Uint8Array): boolean {
    if (!this.#open) return true;
    const line = { result: messageToJson(this.dependencies.schema.response, message) };
    if (!this.response.headersSent) beginStream(this.response, 200);
    return this.response.write(`${JSON.stringify(line)}\n`);
  }

  sendShared(responses: SharedResponses): boolean {
    return responses.sendWhole((response) => this.send(response));
  }

  pause(): void {
    if (this.#open) this.request.pause();
  }

  resume(): void {
    if (this.#open) this.request.resume();
  }

  end(failure?: RequestFailure): void {
    if (!this.#open) return;
    const status = failure === undefined ? { code: GrpcCode.OK, message: "" } : statusOf(failure);
    this.#close(status);
    const { response } = this;
    if (!response.headersSent) beginStream(response, httpStatusOf(status));
    response.end(failure === undefined ? undefined : errorLine(status));
    this.#discardRest();
  }

  /** Ends the stream though its call would go on. */
  abort(failure: RequestFailure): void {
    const call = this.#call;
    this.end(failure);
    call?.cancel();
  }

  #gone(): void {
    if (!this.#open) return;
    const call = this.#call;
    this.#close({ code: GrpcCode.CANCELLED, message: "context canceled" });
    call?.cancel();
  }

  #receive(split: () => readonly string[], call: StreamCall): void {
    if (!this.#open) return;
    const { request } = this.dependencies.schema;
    try {
      const messages = split().map((text) => messageFromJson(request, parseJson(text)));
      for (const message of messages) if (this.#open) call.receive(message);
    } catch (error) {
      const failure = unreadable(request, error);
      if (failure === undefined) throw error;
      this.abort(failure);
    }
  }

  #close(status: ClientStatus): void {
    this.#open = false;
    this.#call = undefined;
    this.dependencies.meter.end(this.#startedAt, status.code);
    this.dependencies.ended(status);
  }

  /** What a client still sends on a stream that is over has no meaning, and must not go on for ever. */
  #discardRest(): void {
    const { request } = this;
    if (request.complete) return;
    const tooLong = setTimeout(() => request.destroy(), LINGER_MS);
    request.on("close", () => clearTimeout(tooLong)).resume();
  }
}

/** `undefined` if `error` is not about what the client sent. */
function unreadable(type: string, error: unknown): RequestFailure | undefined {
  if (error instanceof JsonStreamError && error.code === "message-too-large") {
    return definite(error.code, error.message);
  }
  const isJson = error instanceof SyntaxError || error instanceof JsonStreamError;
  const isMapping = error instanceof Error && "code" in error && error.code === "invalid-json";
  if (!isJson && !isMapping) return undefined;
  return definite("malformed", `Cannot read JSON of ${type}: ${error.message}`);
}

/** As both generations of etcd's gateway show it: the first three fields up to 3.5, the last ones since. */
function errorLine(status: ClientStatus): Uint8Array {
  const { code, message } = status;
  const error = { grpc_code: code, http_code: httpStatusOf(status), message, code, details: [] };
  return utf8(`${JSON.stringify({ error })}\n`);
}
