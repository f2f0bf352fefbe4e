/** The columns that MVCC keeps; how they look is told in this library's README. */
export type MvccColumn = "latest" | "history" | "event";

/**
 * What MVCC reads: ordered maps from bytes to bytes. Synchronous, because a core never waits. Whoever provides it decides
 * whether it is a snapshot. Returned bytes may be views into the engine's memory: valid until the next call.
 */
export interface ReadView<Column extends string = MvccColumn> {
  get(column: Column, key: Uint8Array): Uint8Array | undefined;
  /** One answer per key, in order; `undefined` where there is none. */
  getMany(column: Column, keys: readonly Uint8Array[]): readonly (Uint8Array | undefined)[];
  /** Rows from `from` (included) to `to` (excluded; `undefined`: to the end), ascending, or descending if `reverse`. */
  scan(column: Column, from: Uint8Array, to: Uint8Array | undefined, options?: ScanOptions): RowIterator;
}

export interface ScanOptions {
  readonly reverse?: boolean;
  /** Keys are enough: values come back empty. */
  readonly keysOnly?: boolean;
  /** How many rows the caller expects to read at the most; a hint for read-ahead. */
  readonly expect?: number;
}

/** Rows in order, read in chunks inside. Must be closed; closing twice is harmless. */
export interface RowIterator extends Disposable {
  /** `undefined` at the end. The pair stays valid after the next call. */
  next(): Row | undefined;
  /** Jumps ahead to the first row at or after `key` (at or before it in a reverse scan). Never goes back. */
  seek(key: Uint8Array): void;
}

export interface Row {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** What MVCC writes: filled in order, committed by the caller as one atomic batch. Bytes given are kept, not copied. */
export interface WriteBatch<Column extends string = MvccColumn> {
  put(column: Column, key: Uint8Array, value: Uint8Array): void;
  del(column: Column, key: Uint8Array): void;
}
