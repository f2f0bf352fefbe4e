import type { Entry, EntryType, LogIndex, Term } from "@quorate/raft";

/**
 * Consecutive entries as one transferable buffer and flat arrays. Posting the entries themselves would clone the whole
 * receive buffer behind each `data` view, once per entry.
 */
export interface PackedEntries {
  readonly first: LogIndex;
  readonly terms: readonly Term[];
  readonly types: readonly EntryType[];
  readonly chains: readonly number[];
  /** Where each entry's data ends in `data`. */
  readonly ends: readonly number[];
  readonly data: Uint8Array<ArrayBuffer>;
}

export function packEntries(entries: readonly Entry[]): PackedEntries {
  let length = 0;
  for (const entry of entries) length += entry.data.length;
  const data = new Uint8Array(length);
  const ends = new Array<number>(entries.length);
  let offset = 0;
  entries.forEach((entry, at) => {
    data.set(entry.data, offset);
    offset += entry.data.length;
    ends[at] = offset;
  });
  return {
    first: entries[0]?.index ?? (0 as LogIndex),
    terms: entries.map((entry) => entry.term),
    types: entries.map((entry) => entry.type),
    chains: entries.map((entry) => entry.chain),
    ends,
    data,
  };
}

/** The entries again; their data are views into the one buffer. */
export function unpackEntries(packed: PackedEntries): Entry[] {
  let start = 0;
  return packed.ends.map((end, at) => {
    const entry: Entry = {
      index: (packed.first + at) as LogIndex,
      term: packed.terms[at]!,
      type: packed.types[at]!,
      chain: packed.chains[at]!,
      data: packed.data.subarray(start, end),
    };
    start = end;
    return entry;
  });
}
