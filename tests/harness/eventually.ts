import { setTimeout as pause } from "node:timers/promises";

/** The condition that a test waited for did not come true in time. */
export class NotInTimeError extends Error {
  override readonly name = "NotInTimeError";
}

export interface EventuallyOptions {
  /** Milliseconds until the wait is given up. */
  readonly withinMs: number;
  /** Milliseconds between two looks, 25 unless told. */
  readonly everyMs?: number;
}

/**
 * Looks again and again until `look` returns something other than `undefined` or `false`, and returns that.
 *
 * What `look` throws counts as "not yet": a probe of a server that is still starting fails in many ways. The last of
 * them is the cause of the final error.
 *
 * @param what Completes the sentence "Waited in vain for …".
 * @throws {NotInTimeError} The condition was still false after `withinMs`.
 */
export async function eventually<T>(
  what: string,
  options: EventuallyOptions,
  look: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const deadline = performance.now() + options.withinMs;
  let cause: unknown;
  for (;;) {
    try {
      const found = await look();
      if (found !== undefined && found !== false) return found;
    } catch (error) {
      cause = error;
    }
    if (performance.now() >= deadline) {
      throw new NotInTimeError(`Waited ${options.withinMs} ms in vain for ${what}`, { cause });
    }
    await pause(options.everyMs ?? 25);
  }
}
