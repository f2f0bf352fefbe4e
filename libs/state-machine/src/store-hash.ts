import { crc32c, EMPTY_BYTES, utf8 } from "@quorate/base";
import { workOf, type HashRun, type RowIterator } from "@quorate/mvcc";
import { STATE_COLUMNS, type StateView } from "./types";

/**
 * CRC-32C over every row of the store as it is now, column by column. For tests: like etcd's Hash it covers what each
 * member decides for itself, so that members of one cluster may differ.
 */
export class StoreHash implements HashRun {
  /** All opened at once: nothing that is written later shows in one column and not in another. */
  readonly #columns: readonly { readonly name: string; readonly rows: RowIterator }[];
  #column = 0;
  #hash = 0;

  constructor(view: StateView) {
    this.#columns = STATE_COLUMNS.map((name) => ({ name, rows: view.scan(name, EMPTY_BYTES, undefined) }));
    this.#beginColumn();
  }

  step(work: number): number | undefined {
    let left = work;
    while (left > 0) {
      const column = this.#columns[this.#column];
      if (column === undefined) return this.#hash;
      const row = column.rows.next();
      if (row === undefined) {
        this.#column += 1;
        this.#beginColumn();
        continue;
      }
      this.#hash = crc32c(row.value, crc32c(row.key, this.#hash));
      left -= workOf(row);
    }
    return undefined;
  }

  [Symbol.dispose](): void {
    for (const { rows } of this.#columns) rows[Symbol.dispose]();
  }

  #beginColumn(): void {
    const column = this.#columns[this.#column];
    if (column !== undefined) this.#hash = crc32c(utf8(column.name), this.#hash);
  }
}
