import type { ActorRef } from "@quorate/actor";
import type { Clock, Timer } from "@quorate/base";
import type { Revision } from "@quorate/mvcc";
import { traceHeaders, type TraceContext } from "@quorate/telemetry";
import type { RequestResult, Transport } from "@quorate/transport";
import {
  decodeHistoryResponse,
  DecodeError,
  encodeHistoryRequest,
  type HistoryResponse,
  type Subjects,
} from "@quorate/wire";
import type { FeedFollower } from "./feed-follower";

export interface HistoryReaderOptions {
  /** Bytes of events that one read asks for. */
  readonly chunkBytes: number;
  /** How long a read may take, in milliseconds. */
  readonly answerMs: number;
  /** The pause after one that failed, or brought nothing because the node lags. */
  readonly retryMs: number;
}

export interface HistoryMessage {
  readonly kind: "history";
  readonly from: Revision;
  readonly response: HistoryResponse;
}

export interface HistoryReaderDependencies {
  readonly transport: Transport;
  readonly subjects: Subjects;
  readonly clock: Clock;
  readonly follower: FeedFollower;
  readonly fanout: ActorRef<HistoryMessage>;
  /** From where on history is wanted. */
  readonly wanted: () => Revision | undefined;
  /** Of a watcher that waits for it, if one is traced. */
  readonly trace: () => TraceContext | undefined;
}

/** Reads history from the node that is followed, one chunk at a time, as long as some watcher waits for it. */
export class HistoryReader {
  #isReading = false;
  #pause: Timer | undefined;
  #closed = false;

  constructor(
    private readonly options: HistoryReaderOptions,
    private readonly dependencies: HistoryReaderDependencies,
  ) {}

  /** Goes on reading if there is a reason to. */
  pump(): void {
    if (this.#isReading || this.#pause !== undefined || this.#closed) return;
    const from = this.dependencies.wanted();
    if (from === undefined) return;
    const { transport, subjects, follower } = this.dependencies;
    const member = follower.followed;
    if (member === undefined) return this.#later();
    const { chunkBytes: bytesMax, answerMs: timeoutMs } = this.options;
    const request = encodeHistoryRequest({ from, bytesMax });
    this.#isReading = true;
    const headers = traceHeaders(this.dependencies.trace());
    const options = headers === undefined ? { timeoutMs } : { timeoutMs, headers };
    transport.request(subjects.node(member, "history"), request, options, (result) => {
      this.#isReading = false;
      if (this.#closed) return;
      const response = responseOf(result);
      if (response === undefined) {
        follower.suspect(member);
        return this.#later();
      }
      this.dependencies.fanout.tell({ kind: "history", from, response });
      if (response.kind === "events" && response.next <= from) this.#later();
    });
  }

  close(): void {
    this.#closed = true;
    this.#pause?.cancel();
  }

  #later(): void {
    this.#pause = this.dependencies.clock.setTimer(this.options.retryMs, () => {
      this.#pause = undefined;
      this.pump();
    });
  }
}

function responseOf(result: RequestResult): HistoryResponse | undefined {
  if (result.kind !== "answer") return undefined;
  try {
    return decodeHistoryResponse(Uint8Array.from(result.payload));
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
