import { EMPTY_BYTES } from "@quorate/base";
import type { AppliedPosition, StateColumn } from "@quorate/state-machine";
import type { KeyValueIterator, KeyValueStore } from "@quorate/storage";
import { chainChunk, encodeSnapshotChunk, encodeSnapshotRows, type ColumnRows } from "@quorate/wire";

export interface SnapshotViewOptions {
  readonly transfer: number;
  /** In the order in which they are read. */
  readonly columns: readonly StateColumn[];
  /** Bytes of keys and values in a chunk; a single larger row travels alone. */
  readonly chunkBytesMax: number;
  /** Newest chunks that are kept, in case their receiver asks again. */
  readonly windowChunks: number;
}

/**
 * The state at one position, in chunks. The iterators of all columns are made in one turn of the thread that writes, so they
 * show one moment, and go on showing it while the state moves on. Whoever opens a view must dispose of it: it keeps old data
 * on disk.
 */
export class SnapshotView implements Disposable {
  readonly position: AppliedPosition;
  readonly #columns: { readonly column: StateColumn; readonly rows: KeyValueIterator }[];
  /** The last of `#window` has the sequence `#produced - 1`. */
  readonly #window: Uint8Array[] = [];
  #produced = 0;
  #pending: { readonly key: Uint8Array; readonly value: Uint8Array } | undefined;
  #chain = EMPTY_BYTES;
  #rows = 0;
  #bytes = 0;
  #finished = false;

  constructor(
    private readonly options: SnapshotViewOptions,
    dependencies: { readonly store: KeyValueStore<StateColumn>; readonly position: AppliedPosition },
  ) {
    this.position = dependencies.position;
    this.#columns = options.columns.map((column) => ({
      column,
      rows: dependencies.store.scan(column, EMPTY_BYTES, undefined),
    }));
  }

  /** An encoded SnapshotChunk; `undefined` if it is too long ago, too far ahead, or behind the end. */
  chunk(sequence: number): Uint8Array | undefined {
    // Requests may overtake each other, by less than a window.
    const isAhead = sequence < this.#produced + this.options.windowChunks;
    while (isAhead && sequence >= this.#produced && !this.#finished) this.#produce();
    const oldest = this.#produced - this.#window.length;
    return this.#window[sequence - oldest];
  }

  [Symbol.dispose](): void {
    for (const { rows } of this.#columns) rows[Symbol.dispose]();
  }

  #produce(): void {
    const { transfer, windowChunks } = this.options;
    const rows = encodeSnapshotRows(this.#nextRows());
    this.#chain = chainChunk(this.#chain, rows);
    const summary = this.#finished ? { ...this.position, rows: this.#rows, bytes: this.#bytes } : undefined;
    this.#window.push(
      encodeSnapshotChunk({ transfer, sequence: this.#produced, rows, chain: this.#chain, summary }),
    );
    if (this.#window.length > windowChunks) this.#window.shift();
    this.#produced += 1;
  }

  #nextRows(): ColumnRows[] {
    const sections: { column: string; keys: Uint8Array[]; values: Uint8Array[] }[] = [];
    let bytes = 0;
    for (let at = this.#columns[0]; at !== undefined; at = this.#columns[0]) {
      const section = { column: at.column, keys: [] as Uint8Array[], values: [] as Uint8Array[] };
      sections.push(section);
      for (let row = this.#take(at.rows); row !== undefined; row = this.#take(at.rows)) {
        const size = row.key.length + row.value.length;
        if (bytes > 0 && bytes + size > this.options.chunkBytesMax) {
          this.#pending = row;
          return sections;
        }
        section.keys.push(row.key);
        section.values.push(row.value);
        bytes += size;
        this.#rows += 1;
        this.#bytes += size;
      }
      at.rows[Symbol.dispose]();
      this.#columns.shift();
    }
    this.#finished = true;
    return sections;
  }

  #take(rows: KeyValueIterator): { readonly key: Uint8Array; readonly value: Uint8Array } | undefined {
    const pending = this.#pending;
    this.#pending = undefined;
    return pending ?? rows.next();
  }
}
