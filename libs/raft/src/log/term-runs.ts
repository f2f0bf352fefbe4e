import { invariant } from "@quorate/base";
import type { EntryId, LogIndex, Term } from "../types";

/**
 * The term of every entry of the log, kept as the first entry of each run of one term. A log of a billion entries
 * has as many runs as it has seen leaders, so terms are always at hand although most entries are only on disk.
 */
export class TermRuns {
  /** Ascending in term and index; the first is the entry before the log, whose term is known but which is gone. */
  #runs: EntryId[];

  constructor(compacted: EntryId, runs: readonly EntryId[]) {
    this.#runs = [compacted];
    for (const run of runs) this.extend(run);
  }

  /** Takes note of a new last entry; only the first of a term is kept. */
  extend(id: EntryId): void {
    const newest = this.#runs[this.#runs.length - 1]!;
    invariant(id.index > newest.index, "entries follow each other in the log", { newest, id });
    invariant(id.term >= newest.term, "terms never fall along the log", { newest, id });
    if (id.term > newest.term) this.#runs.push({ term: id.term, index: id.index });
  }

  truncateFrom(index: LogIndex): void {
    while (this.#runs.length > 1 && this.#runs[this.#runs.length - 1]!.index >= index) this.#runs.pop();
  }

  /** Everything up to `index` is gone; only its term stays known. */
  compactTo(index: LogIndex): void {
    const term = this.termAt(index);
    this.#runs = [{ term, index }, ...this.#runs.filter((run) => run.index > index)];
  }

  /** @param index From the compacted entry to the last one: the caller knows the bounds. O(log runs), O(1) at the end. */
  termAt(index: LogIndex): Term {
    return this.#runs[this.#runAt(index)]!.term;
  }

  /**
   * The last entry at or before `index` whose term is at most `term`: where two logs could still agree, if one of them
   * has `term` there. Passes over a whole run of a greater term at once.
   */
  lastWithTermAtMost(index: LogIndex, term: Term): EntryId {
    let run = this.#runAt(index);
    let candidate = index;
    while (run > 0 && this.#runs[run]!.term > term) {
      candidate = (this.#runs[run]!.index - 1) as LogIndex;
      run -= 1;
    }
    return { term: this.#runs[run]!.term, index: candidate };
  }

  #runAt(index: LogIndex): number {
    let high = this.#runs.length - 1;
    if (this.#runs[high]!.index <= index) return high; // almost every question is about the newest term
    let low = 0;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#runs[middle]!.index <= index) low = middle;
      else high = middle - 1;
    }
    invariant(this.#runs[low]!.index <= index, "a term is asked for an entry within the log", { index });
    return low;
  }
}
