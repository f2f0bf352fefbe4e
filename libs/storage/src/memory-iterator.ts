import { binaryString, bytesOfBinaryString, EMPTY_BYTES } from "@quorate/base";
import { StorageClosedError } from "./errors";
import type { KeyValueIterator, KeyValueScanOptions } from "./key-value-store";
import type { MemoryTree } from "./memory-disk";

export interface MemoryIteratorOptions extends KeyValueScanOptions {
  /** First key of the range. */
  readonly from: string;
  /** First key behind the range; `undefined`: to the end. */
  readonly to: string | undefined;
}

/** Walks a clone of a tree, so that nothing written later shows. */
export class MemoryIterator implements KeyValueIterator {
  readonly #options: MemoryIteratorOptions;
  readonly #assertStoreOpen: () => void;
  #tree: MemoryTree | undefined;
  #rows: IterableIterator<[string, Uint8Array]>;
  #lastKey: string | undefined;

  constructor(options: MemoryIteratorOptions, tree: MemoryTree, assertStoreOpen: () => void) {
    this.#options = options;
    this.#tree = tree;
    this.#assertStoreOpen = assertStoreOpen;
    const { from, to, reverse = false } = options;
    if (!reverse) this.#rows = tree.entries(from);
    else this.#rows = to === undefined ? tree.entriesReversed() : tree.entriesReversed(to, undefined, true);
  }

  next(): { readonly key: Uint8Array; readonly value: Uint8Array } | undefined {
    this.#openTree();
    const row = this.#rows.next();
    if (row.done === true) return undefined;
    const [key, value] = row.value;
    if (!this.#within(key)) {
      this.#rows = [][Symbol.iterator]();
      return undefined;
    }
    this.#lastKey = key;
    return { key: bytesOfBinaryString(key), value: this.#options.keysOnly === true ? EMPTY_BYTES : value };
  }

  seek(target: Uint8Array): void {
    const tree = this.#openTree();
    const { from, to, reverse = false } = this.#options;
    const key = binaryString(target);
    // Only ahead: a target that was passed, or that lies before the range, changes nothing.
    if (!reverse) {
      if (key <= (this.#lastKey ?? from)) return;
      this.#rows = tree.entries(key);
    } else {
      if (this.#lastKey === undefined ? to !== undefined && key >= to : key >= this.#lastKey) return;
      this.#rows = tree.entriesReversed(key);
    }
  }

  [Symbol.dispose](): void {
    this.#tree = undefined;
  }

  #within(key: string): boolean {
    const { from, to, reverse = false } = this.#options;
    return reverse ? key >= from : to === undefined || key < to;
  }

  #openTree(): MemoryTree {
    this.#assertStoreOpen();
    if (this.#tree === undefined) throw new StorageClosedError("Cannot read on: the iterator is closed");
    return this.#tree;
  }
}
