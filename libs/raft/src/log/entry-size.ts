import type { Entry } from "../types";

/** What an entry weighs beside its data: its object here, its header in a message. Empty entries are not free. */
const ENTRY_OVERHEAD_BYTES = 48;

/** The weight of an entry under every limit in bytes. */
export function entrySize(entry: Entry): number {
  return entry.data.length + ENTRY_OVERHEAD_BYTES;
}

/** How many of `entries`, from position `start` and before `end`, fit into `bytesMax`; the first always does. */
export function countWithin(entries: readonly Entry[], start: number, end: number, bytesMax: number): number {
  let bytes = 0;
  for (let at = start; at < end; at += 1) {
    bytes += entrySize(entries[at]!);
    if (bytes > bytesMax && at > start) return at - start;
  }
  return end - start;
}
