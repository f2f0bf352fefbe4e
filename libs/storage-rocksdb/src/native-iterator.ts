import { compareBytes, EMPTY_BYTES } from "@quorate/base";
import { type KeyValueIterator, StorageClosedError } from "@quorate/storage";
import * as binding from "@nxtedition/rocksdb/binding";
import { readErrorOf } from "./native-errors";

export interface NativeIteratorOptions {
  readonly from: Uint8Array;
  readonly to: Uint8Array | undefined;
  readonly reverse: boolean;
  /** Rows that the caller expects to read at the most; `undefined`: unknown. */
  readonly expect: number | undefined;
}

/** What an iterator asks its database. */
export interface NativeIteratorOwner {
  readonly directory: string;
  readonly assertOpen: () => void;
  /** Called once, when the iterator was closed. */
  readonly closed: (iterator: NativeIterator) => void;
}

const FIRST_CHUNK_ROWS = 16;
const CHUNK_ROWS_MAX = 512;

/**
 * Reads rows in chunks: one native call per row would cost more than the row. The first chunk is as large as was
 * expected, or small; each further one twice the last.
 */
export class NativeIterator implements KeyValueIterator {
  readonly #options: NativeIteratorOptions;
  readonly #owner: NativeIteratorOwner;
  readonly #iterator: binding.IteratorHandle;
  #chunkRows: number;
  /** Keys and values in turn; `#position` is that of the next key. */
  #chunk: readonly (Uint8Array | undefined)[] = [];
  #position = 0;
  /** Native code has no rows beyond the chunk. */
  #finished = false;
  #lastKey: Uint8Array | undefined;
  #closed = false;

  constructor(options: NativeIteratorOptions, iterator: binding.IteratorHandle, owner: NativeIteratorOwner) {
    this.#options = options;
    this.#iterator = iterator;
    this.#owner = owner;
    this.#chunkRows = Math.min(Math.max(options.expect ?? FIRST_CHUNK_ROWS, 1), CHUNK_ROWS_MAX);
  }

  next(): { readonly key: Uint8Array; readonly value: Uint8Array } | undefined {
    this.#assertOpen();
    if (this.#position >= this.#chunk.length && !this.#readChunk()) return undefined;
    const key = this.#chunk[this.#position]!;
    const value = this.#chunk[this.#position + 1] ?? EMPTY_BYTES;
    this.#position += 2;
    this.#lastKey = key;
    return { key, value };
  }

  seek(target: Uint8Array): void {
    this.#assertOpen();
    if (this.#isPassed(target)) return;
    // Rows at hand first: seeks are mostly short jumps, and a native one throws the chunk away.
    while (this.#position < this.#chunk.length) {
      if (!this.#isBefore(this.#chunk[this.#position]!, target)) return;
      this.#position += 2;
    }
    if (this.#finished) return;
    if (this.#isBeyondRange(target)) {
      this.#finished = true;
      return;
    }
    try {
      binding.iterator_seek(this.#iterator, target);
    } catch (error) {
      this.#finished = true;
      throw readErrorOf(this.#owner.directory, error);
    }
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#chunk = [];
    binding.iterator_close(this.#iterator);
    this.#owner.closed(this);
  }

  #readChunk(): boolean {
    if (this.#finished) return false;
    try {
      const { rows, finished } = binding.iterator_nextv_sync(this.#iterator, this.#chunkRows);
      this.#chunk = rows;
      this.#position = 0;
      this.#finished = finished;
    } catch (error) {
      this.#chunk = [];
      this.#finished = true;
      throw readErrorOf(this.#owner.directory, error);
    }
    this.#chunkRows = Math.min(this.#chunkRows * 2, CHUNK_ROWS_MAX);
    return this.#chunk.length > 0;
  }

  /** Whether `target` lies behind the reader, or before the range, where native code would jump to the end instead. */
  #isPassed(target: Uint8Array): boolean {
    const { from, to, reverse } = this.#options;
    if (this.#lastKey !== undefined) return !this.#isBefore(this.#lastKey, target);
    if (reverse) return to !== undefined && compareBytes(target, to) >= 0;
    return compareBytes(target, from) <= 0;
  }

  #isBeyondRange(target: Uint8Array): boolean {
    const { from, to, reverse } = this.#options;
    return reverse ? compareBytes(target, from) < 0 : to !== undefined && compareBytes(target, to) >= 0;
  }

  /** In the direction of the scan. */
  #isBefore(a: Uint8Array, b: Uint8Array): boolean {
    const order = compareBytes(a, b);
    return this.#options.reverse ? order > 0 : order < 0;
  }

  #assertOpen(): void {
    this.#owner.assertOpen();
    if (this.#closed) throw new StorageClosedError("Cannot read on: the iterator is closed");
  }
}
