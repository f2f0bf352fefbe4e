import type { Operation } from "./history";
import { violated } from "./violation";

/** An operation, and where in the order of revisions it stands. */
export interface Placed {
  readonly operation: Operation;
  readonly revision: number;
  /** It made this revision; else it only saw it. */
  readonly isChange: boolean;
}

/**
 * Checks that a change comes behind everything that had returned before it was called, and that what only looks saw at least
 * that.
 *
 * @throws {HistoryViolation}
 */
export function checkRealTime(placed: readonly Placed[]): void {
  const byCall = placed.toSorted((a, b) => a.operation.calledAt - b.operation.calledAt);
  const byReturn = placed.toSorted((a, b) => a.operation.returnedAt - b.operation.returnedAt);
  let newest: Placed | undefined;
  let returned = 0;
  for (const one of byCall) {
    for (; byReturn[returned]!.operation.returnedAt < one.operation.calledAt; returned += 1) {
      const candidate = byReturn[returned]!;
      if (newest === undefined || candidate.revision > newest.revision) newest = candidate;
    }
    if (newest === undefined) continue;
    const least = one.isChange ? newest.revision + 1 : newest.revision;
    if (one.revision < least)
      violated("an operation stands behind one that had returned before it was called", { one, newest });
  }
}
