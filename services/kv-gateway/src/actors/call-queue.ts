import { Deque } from "@quorate/base";
import type { Instant } from "./instant";
import type { PendingCall } from "./pending-call";

export interface CallQueueOptions {
  /** Calls that may wait. One more is refused, and its caller told `too many requests`. */
  readonly callsMax: number;
  /** Bytes of requests that may wait; likewise. */
  readonly bytesMax: number;
  /** Calls in one batch. */
  readonly batchCallsMax: number;
  /** Bytes of requests in one batch. A single larger request makes a batch of its own. */
  readonly batchBytesMax: number;
}

/** Calls that wait to be sent, in order of arrival, and how they are cut into batches. */
export class CallQueue<C extends PendingCall> {
  /** Taken before, refused, and due again before everything in `#waiting`. */
  #returned: C[] = [];
  readonly #waiting = new Deque<C>();
  #bytes = 0;

  constructor(private readonly options: CallQueueOptions) {}

  get size(): number {
    return this.#returned.length + this.#waiting.size;
  }

  /** @returns false if the queue is full; the call is not kept. */
  push(call: C): boolean {
    const { callsMax, bytesMax } = this.options;
    if (this.size >= callsMax || (this.#bytes > 0 && this.#bytes + call.bytes.length > bytesMax))
      return false;
    this.#bytes += call.bytes.length;
    this.#waiting.push(call);
    return true;
  }

  /** Puts calls of a refused batch before all others. They held a place already, so the limits do not apply. */
  putBack(calls: readonly C[]): void {
    for (const call of calls) this.#bytes += call.bytes.length;
    this.#returned = [...calls, ...this.#returned];
  }

  /** The next batch: settled calls are left out. Empty if nothing waits. */
  takeBatch(): C[] {
    const batch: C[] = [];
    let bytes = 0;
    for (let call = this.#peek(); call !== undefined; call = this.#peek()) {
      if (!call.settled) {
        if (batch.length >= this.options.batchCallsMax) break;
        if (batch.length > 0 && bytes + call.bytes.length > this.options.batchBytesMax) break;
        batch.push(call);
        bytes += call.bytes.length;
      }
      this.#drop(call);
    }
    return batch;
  }

  /** Removes and returns what waits past its deadline. O(size). */
  takeExpired(now: Instant): C[] {
    const expired: C[] = [];
    for (const call of this.takeAll()) {
      if (call.settled) continue;
      if (call.deadline <= now) {
        expired.push(call);
        continue;
      }
      this.#waiting.push(call);
      this.#bytes += call.bytes.length;
    }
    return expired;
  }

  takeAll(): C[] {
    const all = [...this.#returned, ...this.#waiting.drain()];
    this.#returned = [];
    this.#bytes = 0;
    return all;
  }

  *[Symbol.iterator](): Iterator<C> {
    yield* this.#returned;
    yield* this.#waiting;
  }

  #peek(): C | undefined {
    return this.#returned[0] ?? this.#waiting.peek();
  }

  #drop(call: C): void {
    // `shift` of a short array is cheap, and this one is only filled by refusals.
    if (this.#returned.length > 0) this.#returned.shift();
    else this.#waiting.shift();
    this.#bytes -= call.bytes.length;
  }
}
