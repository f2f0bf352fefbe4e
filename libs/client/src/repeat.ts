import type { Clock } from "@quorate/base";
import { QuorateError } from "./errors";
import { retryDelayMs } from "./pending-call";

export interface RepeatOptions {
  readonly clock: Clock;
  /** Ends it: the promise rejects with CANCELLED. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds after which a failed attempt was the last one; without it there is no end but the signal's. */
  readonly forMs?: number;
}

/**
 * Makes a call again and again, with growing delays, while the cluster is unavailable or does not answer. Only for a call
 * that may take effect twice: earlier attempts whose outcome is unknown may still happen.
 *
 * @throws {QuorateError} Any other failure, at once; the last one, when the time is over.
 */
export async function repeat<T>(
  call: () => Promise<T>,
  { clock, signal, forMs = Infinity }: RepeatOptions,
): Promise<T> {
  const end = clock.now() + forMs;
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await call();
    } catch (error) {
      const delayMs = retryDelayMs(attempts);
      if (!isPassing(error) || clock.now() + delayMs >= end) throw error;
      await delay(clock, delayMs, signal);
    }
  }
}

/** Whether a failure may be over the next time. */
function isPassing(error: unknown): boolean {
  return (
    error instanceof QuorateError && (error.code === "UNAVAILABLE" || error.code === "DEADLINE_EXCEEDED")
  );
}

/** What a call rejects with that its caller has ended. */
export function cancelled(signal: AbortSignal): QuorateError {
  return new QuorateError("CANCELLED", "context canceled", "definite", { cause: signal.reason });
}

/** Rejects with CANCELLED when the signal is aborted. */
export function delay(clock: Clock, delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      timer.cancel();
      reject(cancelled(signal!));
    };
    const timer = clock.setTimer(delayMs, () => {
      signal?.removeEventListener("abort", abort);
      resolve();
    });
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted === true) abort();
  });
}
