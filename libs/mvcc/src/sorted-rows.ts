import { compareBytes } from "@quorate/base";

/** A changed row of a column: `row` is what it holds now, `undefined` that it is gone. */
export interface ChangedRow {
  readonly key: Uint8Array;
  readonly row: Uint8Array | undefined;
}

/** The changed rows of one column. Adding is cheap; they are put in order only if somebody scans. */
export class SortedRows<T extends ChangedRow> {
  readonly #rows: T[] = [];
  #sortedCount = 0;

  /** Each key at most once. */
  add(row: T): void {
    this.#rows.push(row);
  }

  /** In no particular order unless just searched. */
  get all(): readonly T[] {
    return this.#rows;
  }

  /** Index of the first row at or after `key`, in order. Valid until the next `add`. */
  indexOf(key: Uint8Array, low = 0): number {
    this.#sort();
    let from = low;
    let to = this.#rows.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (compareBytes(this.#rows[middle]!.key, key) < 0) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  at(index: number): T | undefined {
    return this.#rows[index];
  }

  #sort(): void {
    if (this.#sortedCount === this.#rows.length) return;
    // The sorted front is one run to the sort, so a few late rows cost a merge and not a sort.
    this.#rows.sort((a, b) => compareBytes(a.key, b.key));
    this.#sortedCount = this.#rows.length;
  }
}
