import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { Instant } from "../actors/instant";
import { definite, type RequestFailure } from "../api/request-failure";
import type { CallMeter } from "../metrics/call-meter";
import { RESPONSE_HEADERS, trailersOf } from "./headers";
import { MessageReader } from "./messages";
import { GrpcCode, grpcStatusOf, type ClientStatus } from "./status";

/** Hears of every call that failed. */
export type FailureListener = (method: string, status: ClientStatus, unknownOutcome: boolean) => void;

export interface GrpcCallOptions {
  /** `etcdserverpb.KV/Range` */
  readonly name: string;
  /** Milliseconds from now until the caller has no more use for an answer; Infinity: none. */
  readonly timeoutMs: number;
}

export interface GrpcCallDependencies {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  readonly meter: CallMeter;
  readonly failed: FailureListener;
  /** Something is sent on the connection. */
  readonly sending: () => void;
}

/** The longest delay that timers know; callers who wait longer wait for ever. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** What calls do with the messages of their caller, and when they must stop. */
export interface GrpcCallHandler {
  receive(message: Uint8Array): void;
  endOfRequests(): void;
  /** The caller is gone, or too late. Nothing may be sent any more. */
  cancel(): void;
}

/**
 * One call on a stream of HTTP/2: reads its messages, keeps its deadline, and ends it once, in order, with a failure, or
 * because the caller went away.
 */
export class GrpcCall {
  readonly #startedAt: Instant;
  readonly #deadline: NodeJS.Timeout | undefined;
  #handler: GrpcCallHandler | undefined;
  #open = true;
  #status: ClientStatus = { code: GrpcCode.OK, message: "" };

  constructor(
    private readonly options: GrpcCallOptions,
    private readonly dependencies: GrpcCallDependencies,
  ) {
    const { stream, meter } = dependencies;
    this.#startedAt = meter.start();
    if (options.timeoutMs <= TIMER_MS_MAX)
      this.#deadline = setTimeout(() => this.#late(), Math.ceil(options.timeoutMs));
    // A reset stream is "closed" too.
    stream.on("close", () => this.#gone());
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** Hands messages on from now on, as they come. */
  read(handler: GrpcCallHandler): void {
    if (!this.#open) return handler.cancel();
    this.#handler = handler;
    const { stream, headers } = this.dependencies;
    const reader = new MessageReader(headers["grpc-encoding"] as string | undefined);
    stream.on("data", (chunk: Buffer) => {
      reader.push(chunk);
      for (let next = this.#open && reader.next(); next; next = this.#open && reader.next()) {
        if (next instanceof Uint8Array) handler.receive(next);
        else this.#abort(next);
      }
    });
    stream.on("end", () => {
      if (!this.#open) return;
      if (reader.isPartial) this.#abort(definite("unreadable-message", "grpc: unexpected end of a message"));
      else handler.endOfRequests();
    });
  }

  /** Sends the headers of an answer, unless they have been. */
  begin(): void {
    const { stream, sending } = this.dependencies;
    sending();
    if (stream.headersSent || !canRespond(stream)) return;
    stream.respond(RESPONSE_HEADERS, { waitForTrailers: true });
    stream.once("wantTrailers", () => {
      if (canRespond(stream)) stream.sendTrailers(trailersOf(this.#status));
    });
  }

  /** The answer is complete, or there is none. Idempotent. @param last Bytes that still belong to it. */
  end(failure?: RequestFailure, last?: Uint8Array): void {
    if (!this.#open) return;
    if (failure !== undefined) {
      const status = grpcStatusOf(failure);
      this.dependencies.failed(this.options.name, status, failure.unknownOutcome);
      return this.#finish(status, undefined);
    }
    this.#finish(this.#status, last);
  }

  #finish(status: ClientStatus, last: Uint8Array | undefined): void {
    const { stream } = this.dependencies;
    this.#close(status.code);
    this.#status = status;
    if (!canRespond(stream)) return;
    if (last !== undefined) this.begin();
    if (stream.headersSent) stream.end(last);
    else stream.respond({ ...RESPONSE_HEADERS, ...trailersOf(status) }, { endStream: true });
    this.dependencies.sending();
    stream.removeAllListeners("data").resume(); // what still comes has no meaning
  }

  /** Ends the call though its handler would go on. */
  #abort(failure: RequestFailure): void {
    const handler = this.#handler;
    this.end(failure);
    handler?.cancel();
  }

  #late(): void {
    if (this.#open) this.#abort(definite("deadline-exceeded"));
  }

  #gone(): void {
    if (!this.#open) return;
    this.#close(GrpcCode.CANCELLED);
    this.#handler?.cancel();
  }

  #close(code: number): void {
    this.#open = false;
    clearTimeout(this.#deadline);
    this.dependencies.meter.end(this.#startedAt, code);
  }
}

/** Whether an answer may be begun or ended. A stream that its caller has reset is closed before it is destroyed. */
export function canRespond(stream: ServerHttp2Stream): boolean {
  return !stream.destroyed && !stream.closed;
}
