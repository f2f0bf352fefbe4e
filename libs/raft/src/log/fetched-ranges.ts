import type { RaftEffect } from "../effect";
import type { Entry, LogIndex, Term } from "../types";
import { countWithin } from "./entry-size";

/**
 * How many answers are kept. A reader takes what it asked for when the answer arrives and needs one older answer at
 * most, so twice the number of readers (followers and the applier) is enough; a thief only costs a second fetch.
 */
const RANGES_MAX = 16;

/**
 * Entries below the cache, read back from the log store for followers that lag far and for the applier after a
 * restart. A reader that finds nothing leaves a wish, and looks again when an answer has come.
 */
export class FetchedRanges {
  readonly #bytesMax: number;
  #ranges: Entry[][] = [];
  /** From where to where entries are wanted; asked for by the next `take`. */
  readonly #wanted = new Map<LogIndex, LogIndex>();
  readonly #asked = new Set<LogIndex>();
  /** Wishes that were answered with nothing; asked for again after a tick, or a broken store would spin the loop. */
  readonly #unreadable = new Set<LogIndex>();

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  at(index: LogIndex): Entry | undefined {
    return this.#rangeWith(index)?.find((entry) => entry.index === index);
  }

  slice(from: LogIndex, to: LogIndex, bytesMax: number): Entry[] | undefined {
    const range = this.#rangeWith(from);
    if (range === undefined) return undefined;
    const start = from - range[0]!.index;
    const end = Math.min(range.length, start + to - from + 1);
    return range.slice(start, start + countWithin(range, start, end, bytesMax));
  }

  want(from: LogIndex, to: LogIndex): void {
    if (!this.#asked.has(from) && !this.#unreadable.has(from)) this.#wanted.set(from, to);
  }

  /** The `fetch` effects of the turn. */
  take(): RaftEffect[] {
    if (this.#wanted.size === 0) return [];
    const effects: RaftEffect[] = [];
    for (const [from, to] of this.#wanted) {
      this.#asked.add(from);
      effects.push({ kind: "fetch", from, to, bytesMax: this.#bytesMax });
    }
    this.#wanted.clear();
    return effects;
  }

  /**
   * Keeps an answer. Entries from where `termAt` disagrees on are dropped: the log was truncated while they were read
   * (an equal term at an equal index is the same entry).
   */
  receive(from: LogIndex, entries: readonly Entry[], termAt: (index: LogIndex) => Term | undefined): void {
    if (!this.#asked.delete(from)) return;
    const valid = entries.findIndex(
      (entry, at) => entry.index !== from + at || entry.term !== termAt(entry.index),
    );
    const range = valid === -1 ? [...entries] : entries.slice(0, valid);
    if (range.length === 0) {
      this.#unreadable.add(from);
      return;
    }
    this.#ranges.push(range);
    if (this.#ranges.length > RANGES_MAX) this.#ranges.shift();
  }

  /** A tick has passed: what was unreadable may be asked for again. */
  retry(): void {
    if (this.#unreadable.size > 0) this.#unreadable.clear();
  }

  /** Nobody needs the answers any more, or the log changed below them. */
  forget(): void {
    this.#ranges = [];
    this.#wanted.clear();
  }

  #rangeWith(index: LogIndex): Entry[] | undefined {
    return this.#ranges.findLast(
      (range) => range[0]!.index <= index && range[range.length - 1]!.index >= index,
    );
  }
}
