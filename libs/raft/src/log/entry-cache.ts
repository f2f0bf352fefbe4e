import { invariant } from "@quorate/base";
import type { Entry, LogIndex } from "../types";
import { countWithin, entrySize } from "./entry-size";

/** The newest part of the log in memory, without a gap up to the last entry. */
export class EntryCache {
  #entries: Entry[] = [];
  /** Entries at the front of the array that are evicted; cut off in bulk, so that eviction is O(1) amortised. */
  #head = 0;
  #first: LogIndex;
  #bytes = 0;
  /** The chain hash at `first - 1`; unknown after a start from a part of the log. */
  #chainBefore: number | undefined;

  constructor(first: LogIndex, chainBefore: number | undefined) {
    this.#first = first;
    this.#chainBefore = chainBefore;
  }

  /** The oldest cached index; one above the last if the cache is empty. */
  get first(): LogIndex {
    return this.#first;
  }

  get last(): LogIndex {
    return (this.#first + this.#entries.length - this.#head - 1) as LogIndex;
  }

  at(index: LogIndex): Entry | undefined {
    return index < this.#first ? undefined : this.#entries[this.#head + index - this.#first];
  }

  /** The chain hash at `index`, if it is at `first - 1` or in the cache. */
  chainAt(index: LogIndex): number | undefined {
    return index === this.#first - 1 ? this.#chainBefore : this.at(index)?.chain;
  }

  append(entry: Entry): void {
    invariant(entry.index === this.last + 1, "the log has no gaps", { last: this.last, index: entry.index });
    this.#entries.push(entry);
    this.#bytes += entrySize(entry);
  }

  /** Both ends included; at least one entry, then as many as fit into `bytesMax`. */
  slice(from: LogIndex, to: LogIndex, bytesMax: number): Entry[] {
    const start = this.#head + from - this.#first;
    return this.#entries.slice(
      start,
      start + countWithin(this.#entries, start, start + to - from + 1, bytesMax),
    );
  }

  /**
   * Forgets everything from `index` on. That may lie below the cache, if it began with a part of the log; then the cache
   * begins anew, after an entry with chain hash `chainBefore`.
   */
  truncateFrom(index: LogIndex, chainBefore: number): void {
    const keep = this.#head + Math.max(0, index - this.#first);
    for (let at = keep; at < this.#entries.length; at += 1) this.#bytes -= entrySize(this.#entries[at]!);
    this.#entries.length = keep;
    if (index < this.#first) {
      this.#first = index;
      this.#chainBefore = chainBefore;
    }
  }

  /** Forgets everything at or before `upTo`, an entry with chain hash `chain`, whether it is cached or not. */
  compactTo(upTo: LogIndex, chain: number): void {
    if (upTo < this.#first - 1) return; // the cache begins behind it
    this.evict(upTo, 0);
    this.#first = (upTo + 1) as LogIndex;
    this.#chainBefore = chain;
  }

  /** Forgets the oldest entries at or before `upTo` until at most `bytesMax` bytes are kept. */
  evict(upTo: LogIndex, bytesMax: number): void {
    while (this.#bytes > bytesMax && this.#first <= upTo) {
      const oldest = this.#entries[this.#head]!;
      this.#bytes -= entrySize(oldest);
      this.#chainBefore = oldest.chain;
      this.#head += 1;
      this.#first = (this.#first + 1) as LogIndex;
    }
    if (this.#head > 64 && this.#head * 2 >= this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }
}
