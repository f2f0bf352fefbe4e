import { crcChainHash, type Entry, type LogIndex, type Term } from "@quorate/raft";

/** Entries 1 to `last` of term 4, chained: what the log of a survivor may hold. */
export function survivorEntries(last: number): Entry[] {
  const entries: Entry[] = [];
  for (let index = 1; index <= last; index += 1) {
    const entry = {
      index: index as LogIndex,
      term: 4 as Term,
      type: "command",
      data: Uint8Array.of(index),
    } as const;
    entries.push({ ...entry, chain: crcChainHash(entries.at(-1)?.chain ?? 0, entry) });
  }
  return entries;
}
