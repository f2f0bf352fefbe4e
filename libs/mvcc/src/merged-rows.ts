import { compareBytes } from "@quorate/base";
import type { ChangedRow, SortedRows } from "./sorted-rows";
import type { Row, RowIterator } from "./view";

/** The rows of a column as they are with changes on top. The changes must not grow while it is in use. */
export class MergedRows implements RowIterator {
  readonly #base: RowIterator;
  readonly #changes: SortedRows<ChangedRow>;
  readonly #to: Uint8Array | undefined;
  #index: number;
  #head: Row | undefined;
  #pulled = false;

  /** @param from, to The bounds that `base` was opened with. Owns `base`. */
  constructor(
    base: RowIterator,
    changes: SortedRows<ChangedRow>,
    from: Uint8Array,
    to: Uint8Array | undefined,
  ) {
    this.#base = base;
    this.#changes = changes;
    this.#to = to;
    this.#index = changes.indexOf(from);
  }

  next(): Row | undefined {
    for (;;) {
      if (!this.#pulled) {
        this.#head = this.#base.next();
        this.#pulled = true;
      }
      const change = this.#changeInBounds();
      const order =
        change === undefined ? -1 : this.#head === undefined ? 1 : compareBytes(this.#head.key, change.key);
      if (order < 0) return this.#takeHead();
      if (order === 0) this.#pulled = false; // the change hides the row below it
      this.#index += 1;
      if (change?.row !== undefined) return { key: change.key, value: change.row };
    }
  }

  seek(key: Uint8Array): void {
    this.#index = this.#changes.indexOf(key, this.#index);
    // A head at or after `key` has left the base already: seeking there would lose it.
    if (this.#pulled && (this.#head === undefined || compareBytes(this.#head.key, key) >= 0)) return;
    this.#base.seek(key);
    this.#pulled = false;
  }

  [Symbol.dispose](): void {
    this.#base[Symbol.dispose]();
  }

  #changeInBounds(): ChangedRow | undefined {
    const change = this.#changes.at(this.#index);
    if (change === undefined || this.#to === undefined) return change;
    return compareBytes(change.key, this.#to) < 0 ? change : undefined;
  }

  #takeHead(): Row | undefined {
    const head = this.#head;
    if (head !== undefined) this.#pulled = false;
    return head;
  }
}
