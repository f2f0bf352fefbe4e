/**
 * An ordered byte map with named columns and atomic batches: what applied state lives in. All calls are synchronous
 * and run on the calling thread, so a store belongs to one thread (a worker in production).
 *
 * Structurally a `ReadView` of `libs/mvcc`; cores declare what they need and never import this contract.
 */
export interface KeyValueStore<Column extends string = string> extends AsyncDisposable {
  get(column: Column, key: Uint8Array): Uint8Array | undefined;
  /** One answer per key, in order. @throws {StorageCorruptionError} a block does not match its checksum. */
  getMany(column: Column, keys: readonly Uint8Array[]): readonly (Uint8Array | undefined)[];
  /** A consistent view of one column as it is now: later writes do not show. Must be closed. */
  scan(
    column: Column,
    from: Uint8Array,
    to: Uint8Array | undefined,
    options?: KeyValueScanOptions,
  ): KeyValueIterator;
  /** An empty batch for this store. Reused ones must be cleared by the owner. */
  batch(): KeyValueBatch<Column>;
  /** Deletes [from, to) of a column, in place, not atomic with any batch and not synced. */
  clearRange(column: Column, from: Uint8Array, to: Uint8Array): void;
  /** Approximate bytes on disk; 0 where there is none. */
  sizeBytes(): number;
}

export interface KeyValueScanOptions {
  readonly reverse?: boolean;
  readonly keysOnly?: boolean;
  /** Read-ahead hint: how many rows the caller expects to read at the most. */
  readonly expect?: number;
}

export interface KeyValueIterator extends Disposable {
  /** `undefined` at the end. What was returned stays valid after the next call. */
  next(): { readonly key: Uint8Array; readonly value: Uint8Array } | undefined;
  /** Jumps ahead to the first row at or after `key` (at or before it in a reverse scan). */
  seek(key: Uint8Array): void;
}

/** Writes in order, all or nothing. Bytes given are borrowed until `write` returns. */
export interface KeyValueBatch<Column extends string = string> {
  put(column: Column, key: Uint8Array, value: Uint8Array): void;
  del(column: Column, key: Uint8Array): void;
  /** How many operations are in it. */
  readonly size: number;
  /**
   * Writes and empties the batch. `sync`: returns only once it survives a power loss.
   *
   * @throws {StorageWriteError} what was written is unknown; the process must stop and reopen (never retry in place).
   */
  write(options: { readonly sync: boolean }): void;
  clear(): void;
}
