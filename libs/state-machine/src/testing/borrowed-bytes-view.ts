import type { RowIterator, ScanOptions } from "@quorate/mvcc";
import type { StateColumn, StateView } from "../types";

const POISON = 0xee;

/**
 * A view that takes its contract at its word: what a lookup returned is overwritten at the next call. Iterators left open
 * are counted.
 */
export class BorrowedBytesView implements StateView {
  readonly #view: StateView;
  #lent: (Uint8Array | undefined)[] = [];
  openIterators = 0;
  lookups = 0;

  constructor(view: StateView) {
    this.#view = view;
  }

  get(column: StateColumn, key: Uint8Array): Uint8Array | undefined {
    return this.getMany(column, [key])[0];
  }

  getMany(column: StateColumn, keys: readonly Uint8Array[]): readonly (Uint8Array | undefined)[] {
    this.#takeBack();
    this.lookups += 1;
    this.#lent = this.#view.getMany(column, keys).map((row) => row?.slice());
    return this.#lent;
  }

  scan(
    column: StateColumn,
    from: Uint8Array,
    to: Uint8Array | undefined,
    options?: ScanOptions,
  ): RowIterator {
    this.#takeBack();
    this.openIterators += 1;
    const rows = this.#view.scan(column, from, to, options);
    let open = true;
    return {
      next: () => {
        this.#takeBack();
        return rows.next();
      },
      seek: (key) => rows.seek(key),
      [Symbol.dispose]: () => {
        if (open) this.openIterators -= 1;
        open = false;
        rows[Symbol.dispose]();
      },
    };
  }

  #takeBack(): void {
    for (const row of this.#lent) row?.fill(POISON);
    this.#lent = [];
  }
}
