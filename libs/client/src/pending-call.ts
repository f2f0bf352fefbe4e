import type { Clock, Timer } from "@quorate/base";
import { QuorateError, type QuorateErrorCode } from "./errors";

export interface CallOptions {
  /** Milliseconds until the call fails with DEADLINE_EXCEEDED; the client's `timeoutMs` unless given. */
  readonly timeoutMs?: number;
  /** Ends the wait. What was sent already may still take effect: see the error's `outcome`. */
  readonly signal?: AbortSignal;
}

/** How one attempt ended. `payload` is borrowed: it must be decoded and copied before `settle` returns. */
export type AttemptResult =
  | { readonly kind: "ok"; readonly payload: Uint8Array }
  | {
      readonly kind: "failed";
      readonly code: QuorateErrorCode;
      readonly message: string;
      readonly unknownOutcome: boolean;
    };

export interface PendingCallOptions<T> {
  /** Whether the call may change something: then it is sent once, and its failure may leave the outcome unknown. */
  readonly writes: boolean;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly decode: (payload: Uint8Array) => T;
}

export interface PendingCallDependencies {
  readonly clock: Clock;
  /** Starts an attempt; its end is told to `settle`. */
  readonly transmit: (call: PendingCall<unknown>) => void;
  /** Called once, when the call has its answer or gave up. */
  readonly finished: () => void;
}

const RETRY_DELAY_MIN_MS = 25;
const RETRY_DELAY_MAX_MS = 500;

/** The pause after so many failed attempts. */
export function retryDelayMs(attempts: number): number {
  return Math.min(RETRY_DELAY_MAX_MS, RETRY_DELAY_MIN_MS * 2 ** (attempts - 1));
}

/**
 * One call of an application from start to end: its deadline, its abort signal and, if it only reads, its retries.
 *
 * A write is transmitted once. Sending it again could do it twice, and only the caller knows whether that is harmless.
 */
export class PendingCall<T> {
  readonly promise: Promise<T>;
  readonly #options: PendingCallOptions<T>;
  readonly #dependencies: PendingCallDependencies;
  readonly #deadline: number;
  readonly #timeout: Timer;
  #retryTimer: Timer | undefined;
  #attempts = 0;
  #sent = false;
  #done = false;
  #resolve!: (value: T) => void;
  #reject!: (error: QuorateError) => void;

  constructor(options: PendingCallOptions<T>, dependencies: PendingCallDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
    this.promise = new Promise<T>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const { clock } = dependencies;
    this.#deadline = clock.now() + options.timeoutMs;
    this.#timeout = clock.setTimer(options.timeoutMs, () =>
      this.#fail("DEADLINE_EXCEEDED", "context deadline exceeded"),
    );
    options.signal?.addEventListener("abort", this.#abort, { once: true });
    if (options.signal?.aborted === true) this.#abort();
    else this.#attempt();
  }

  get isDone(): boolean {
    return this.#done;
  }

  get remainingMs(): number {
    return Math.max(1, this.#deadline - this.#dependencies.clock.now());
  }

  /** The attempt is about to leave this process: from here on the fate of a write is not known until it is answered. */
  markSent(): void {
    this.#sent = true;
  }

  /** Takes the end of the current attempt. Ignored once the call is done. */
  settle(result: AttemptResult): void {
    if (this.#done) return;
    if (result.kind === "failed") {
      if (this.#mayRetry(result.code)) this.#retryLater();
      else this.#fail(result.code, result.message, result.unknownOutcome);
      return;
    }
    let value: T;
    try {
      value = this.#options.decode(result.payload);
    } catch (cause) {
      this.#fail("INTERNAL", "Cannot read the answer", this.#options.writes, cause);
      return;
    }
    this.#finish();
    this.#resolve(value);
  }

  #attempt(): void {
    this.#attempts += 1;
    this.#dependencies.transmit(this as PendingCall<unknown>);
  }

  #mayRetry(code: QuorateErrorCode): boolean {
    return code === "UNAVAILABLE" && !this.#options.writes && this.remainingMs > RETRY_DELAY_MIN_MS;
  }

  #retryLater(): void {
    const delayMs = retryDelayMs(this.#attempts);
    this.#retryTimer = this.#dependencies.clock.setTimer(delayMs, () => this.#attempt());
  }

  readonly #abort = (): void => {
    this.#fail("CANCELLED", "context canceled", this.#sent, this.#options.signal?.reason);
  };

  #fail(code: QuorateErrorCode, message: string, unknownOutcome = this.#sent, cause?: unknown): void {
    if (this.#done) return;
    this.#finish();
    const outcome = this.#options.writes && unknownOutcome ? "unknown" : "definite";
    this.#reject(new QuorateError(code, message, outcome, cause === undefined ? {} : { cause }));
  }

  #finish(): void {
    this.#done = true;
    this.#timeout.cancel();
    this.#retryTimer?.cancel();
    this.#options.signal?.removeEventListener("abort", this.#abort);
    this.#dependencies.finished();
  }
}
