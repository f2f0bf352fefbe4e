import type { Clock, Scheduler, Timer } from "@quorate/base";
import type { Revision } from "@quorate/mvcc";
import type { Headers, RequestOptions, RequestResult, Subscription, Transport } from "@quorate/transport";
import {
  WatchSubscriber,
  type SourceId,
  type StreamId,
  type WatcherNumber,
  type WatcherSpec,
  type WatchItem,
} from "@quorate/watch";
import {
  decodeWatchDelivery,
  decodeWatchOpened,
  encodeWatchControl,
  encodeWatchOpen,
  type WatchOrigin,
} from "@quorate/wire";

export interface WatchConnectionOptions {
  /** Where a fan-out is asked to serve the stream. */
  readonly openSubject: string;
  /** Where the one that does is spoken to. */
  readonly controlSubject: (source: SourceId) => string;
  /** Where deliveries arrive; this stream's alone. */
  readonly deliverSubject: string;
  /** Bytes of events that may be under way, or here and not yet consumed. */
  readonly windowBytes: number;
  /** How often the source is asked whether it still serves the stream, in milliseconds. */
  readonly heartbeatMs: number;
  /** How long an answer may take; after two that are missing another source is looked for. */
  readonly answerMs: number;
}

export interface WatchConnectionDependencies {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  /** Random and never the same. */
  readonly newStreamId: () => StreamId;
  /**
   * Gets everything in order, once. Calls `consumed(sequence)` when it is done with it, now or later: until then it counts
   * against the window.
   */
  readonly consumer: (items: readonly WatchItem[], sequence: number, origin: WatchOrigin) => void;
}

const BACK_OFF_MS = { first: 25, max: 1000 };
const ACK_DELIVERIES = 32;

/**
 * A watch stream that does not end by itself: whatever happens to the fan-out, the broker or messages between them, it is
 * opened anew and goes on where it was.
 */
export class WatchConnection {
  readonly #subscriber = new WatchSubscriber();
  readonly #subscription: Subscription;
  readonly #status: Subscription;
  #timer: Timer | undefined;
  #isTelling = false;
  #isReopening = false;
  #missed = 0;
  #attempts = 0;
  #unackedBytes = 0;
  #unackedDeliveries = 0;
  #nextHeaders: Headers | undefined;
  #closed = false;

  constructor(
    private readonly options: WatchConnectionOptions,
    private readonly dependencies: WatchConnectionDependencies,
  ) {
    const { transport } = dependencies;
    this.#subscription = transport.subscribe(options.deliverSubject, ({ payload }) => this.#receive(payload));
    this.#status = transport.onStatus((status) => {
      if (status !== "connected" || this.#subscriber.stream === undefined) return;
      if (this.#isReopening || this.#subscriber.source === undefined) this.#open();
      else this.#ask();
    });
  }

  /** The highest revision that was heard of; 0 before the first. */
  get revision(): Revision {
    return this.#subscriber.revision;
  }

  /** Whether the source has yet to confirm something it was told or asked. */
  get hasUnsentCommands(): boolean {
    return this.#subscriber.hasUnsentCommands;
  }

  /** Opens the stream; the first watcher does so too. */
  open(): void {
    if (this.#subscriber.stream === undefined) this.#open();
  }

  /**
   * @param next The first revision that is wanted; 0: from now on. `spec` is kept.
   * @param headers For the message that asks for it, such as the context of a trace.
   * @param seen A revision that "now" is not before: the watcher's owner has heard of it elsewhere.
   */
  create(spec: WatcherSpec, next: Revision, headers?: Headers, seen = 0 as Revision): WatcherNumber {
    if (headers !== undefined) this.#nextHeaders = headers;
    const watcher = this.#subscriber.create(spec, next, seen);
    if (this.#subscriber.stream === undefined) this.#open();
    else this.#tellSoon();
    return watcher;
  }

  /** Nothing more of this watcher reaches the consumer, except what it has been handed already. */
  cancel(watcher: WatcherNumber): void {
    this.#subscriber.cancel(watcher);
    this.#tellSoon();
  }

  /** Asks for a progress item for these watchers, or all; it may never come. */
  progress(watchers: readonly WatcherNumber[]): void {
    this.#subscriber.progress(watchers);
    this.#tellSoon();
  }

  /** The consumer is done with all items up to `sequence`. */
  consumed(sequence: number): void {
    if (!this.#subscriber.consumed(sequence) || this.#closed) return;
    const isMuch = this.#unackedBytes * 4 >= this.options.windowBytes;
    if (!isMuch && this.#unackedDeliveries < ACK_DELIVERIES) return; // the next heartbeat tells
    const { source } = this.#subscriber;
    if (source === undefined) return;
    this.#unackedBytes = 0;
    this.#unackedDeliveries = 0;
    this.dependencies.transport.publish(this.options.controlSubject(source), this.#control(false));
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.cancel();
    this.#subscription.unsubscribe();
    this.#status.unsubscribe();
    this.#leave();
  }

  #open(): void {
    if (this.#closed) return;
    this.#isReopening = false;
    const { transport, newStreamId } = this.dependencies;
    const { openSubject, deliverSubject: deliver, windowBytes } = this.options;
    const stream = newStreamId();
    const commands = this.#subscriber.begin(stream);
    const open = encodeWatchOpen({ stream, deliver, windowBytes, commands });
    this.#missed = 0;
    this.#timer?.cancel();
    transport.request(openSubject, open, this.#requestOptions(), (result) => {
      if (this.#closed || this.#isReopening || stream !== this.#subscriber.stream) return;
      const source = sourceOf(result);
      if (source === undefined || !this.#subscriber.bind(source, stream)) {
        if (this.#subscriber.source === undefined) return this.#reopen();
        // The answer was lost, but what was delivered has told who serves the stream. Without heartbeats it would take this
        // side for gone after a while, and nobody would notice.
        return this.#ask();
      }
      if (commands.length > 0) this.#later(this.options.heartbeatMs);
      else this.#ask(); // nothing will be delivered by itself
      if (this.#subscriber.hasUnsentCommands) this.#tellSoon();
    });
  }

  /** Now if the stream has worked; ever later if it is one attempt after another. */
  #reopen(): void {
    if (this.#isReopening) return;
    this.#isReopening = true;
    this.#leave();
    const { first, max } = BACK_OFF_MS;
    const delay = this.#attempts === 0 ? 0 : Math.min(max, first * 2 ** this.#attempts);
    this.#attempts += 1;
    this.#timer?.cancel();
    this.#timer = this.dependencies.clock.setTimer(delay, () => this.#open());
  }

  /** Tells the source, if it still hears it, that it need not go on. */
  #leave(): void {
    const { source } = this.#subscriber;
    if (source === undefined) return;
    this.dependencies.transport.publish(this.options.controlSubject(source), this.#control(true));
  }

  /** At the end of this turn, so that many commands travel together. */
  #tellSoon(): void {
    if (this.#isTelling || this.#closed) return;
    this.#isTelling = true;
    this.dependencies.scheduler.post(() => {
      this.#isTelling = false;
      if (this.#subscriber.source !== undefined && this.#subscriber.hasUnsentCommands) this.#ask();
    });
  }

  #later(ms: number): void {
    this.#timer?.cancel();
    this.#timer = this.dependencies.clock.setTimer(ms, () => this.#ask());
  }

  /** Tells the source everything it has not confirmed, and asks where the stream stands. */
  #ask(): void {
    const { stream, source } = this.#subscriber;
    if (this.#closed || this.#isReopening || source === undefined) return;
    const { heartbeatMs, controlSubject } = this.options;
    this.#later(heartbeatMs);
    const control = this.#control(false);
    this.#unackedBytes = 0;
    this.#unackedDeliveries = 0;
    const { transport } = this.dependencies;
    transport.request(controlSubject(source), control, this.#requestOptions(), (result) => {
      if (this.#closed || this.#isReopening || stream !== this.#subscriber.stream) return;
      if (result.kind === "answer") return this.#receive(result.payload);
      if (result.kind === "not-sent") return; // disconnected: whoever hears of the connection first goes on
      this.#missed += 1;
      if (result.kind === "no-responders" || this.#missed >= 2) this.#reopen();
    });
  }

  #requestOptions(): RequestOptions {
    const timeoutMs = this.options.answerMs;
    const headers = this.#nextHeaders;
    this.#nextHeaders = undefined;
    return headers === undefined ? { timeoutMs } : { timeoutMs, headers };
  }

  #control(close: boolean): Uint8Array {
    const stream = this.#subscriber.stream!;
    return encodeWatchControl({ stream, ...this.#subscriber.control(), close });
  }

  #receive(payload: Uint8Array): void {
    if (this.#closed || this.#isReopening) return;
    // Events are handed on as views: into memory of their own.
    const message = readable(Uint8Array.from(payload));
    if (message === undefined) return;
    if (message.kind === "unknown") {
      if (this.#subscriber.bind(message.source, message.stream)) this.#reopen();
      return;
    }
    const received = this.#subscriber.receive(message.source, message.delivery);
    if (received.kind === "ignored") return;
    if (received.kind === "broken") return this.#reopen();
    this.#missed = 0;
    this.#attempts = 0;
    const { items, sequence } = message.delivery;
    if (items.length > 0) {
      this.#unackedBytes += payload.length;
      this.#unackedDeliveries += 1;
    }
    this.dependencies.consumer(received.items, sequence, message.origin);
  }
}

function sourceOf(result: RequestResult): SourceId | undefined {
  if (result.kind !== "answer" || result.headers?.["Nats-Service-Error-Code"] !== undefined) return undefined;
  try {
    return decodeWatchOpened(result.payload);
  } catch {
    return undefined;
  }
}

function readable(payload: Uint8Array): ReturnType<typeof decodeWatchDelivery> | undefined {
  try {
    return decodeWatchDelivery(payload);
  } catch {
    return undefined; // as good as none: the gap shows
  }
}
