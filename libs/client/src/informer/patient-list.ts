import type { Clock } from "@quorate/base";
import { QuorateError, type QuorateErrorCode } from "../errors";
import { retryDelayMs } from "../pending-call";
import { delay } from "../repeat";

export interface PatientListOptions {
  /** Of the first attempt; halved whenever a page does not arrive in time. */
  readonly pageKeys: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Where values are large a page may be more than can be transferred, in time or at all: then smaller ones, down to this. */
const PAGE_KEYS_MIN = 16;

/** What no other attempt would mend. */
const FINAL: ReadonlySet<QuorateErrorCode> = new Set<QuorateErrorCode>([
  "CANCELLED",
  "INVALID_ARGUMENT",
  "PERMISSION_DENIED",
  "UNAUTHENTICATED",
  "UNIMPLEMENTED",
]);

/**
 * Lists again and again, with growing delays, until it succeeds: through an outage of whatever length, and when the list's
 * revision was compacted between two pages.
 *
 * @throws What `list` throws if no other attempt would mend it; CANCELLED when the signal is aborted.
 */
export async function listPatiently(
  list: (pageKeys: number) => Promise<void>,
  { clock, signal, ...options }: PatientListOptions,
): Promise<void> {
  let { pageKeys } = options;
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await list(pageKeys);
    } catch (error) {
      if (!(error instanceof QuorateError) || FINAL.has(error.code)) throw error;
      const isLate = error.code === "DEADLINE_EXCEEDED";
      if (isLate && pageKeys > PAGE_KEYS_MIN) pageKeys = Math.max(PAGE_KEYS_MIN, pageKeys >> 1);
      await delay(clock, retryDelayMs(attempts), signal);
    }
  }
}
