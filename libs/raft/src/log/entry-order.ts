import type { EntryId } from "../types";

/** Whether a log that ends in `last` is at least as complete as one that ends in `other` (thesis §3.6.1): term before index. */
export function isAtLeast(last: EntryId, other: EntryId): boolean {
  return last.term > other.term || (last.term === other.term && last.index >= other.index);
}
