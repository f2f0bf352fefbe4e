import { binaryString, invariant } from "@quorate/base";
import { StorageClosedError } from "./errors";
import type { KeyValueBatch, KeyValueIterator, KeyValueScanOptions, KeyValueStore } from "./key-value-store";
import { MemoryDisk, type MemoryDiskUser, type MemoryOperation } from "./memory-disk";
import { MemoryIterator } from "./memory-iterator";

/**
 * A {@link KeyValueStore} in memory, for tests, simulations and members that need not outlive their process.
 *
 * Values are copied when they are put; what reads return is the store's own copy and must not be changed.
 */
export class MemoryKeyValueStore<Column extends string = string> implements KeyValueStore<Column> {
  readonly #disk: MemoryDisk<Column>;
  readonly #session: MemoryDiskUser & { open: boolean };

  /**
   * @param from The columns of a new disk, or the disk that an earlier store has left.
   * @throws {StorageLockedError} another store has the disk open.
   */
  constructor(from: readonly Column[] | MemoryDisk<Column>) {
    this.#disk = from instanceof MemoryDisk ? from : new MemoryDisk(from);
    const session = { open: true, end: (): void => void (session.open = false) };
    this.#session = session;
    this.#disk.lock(session);
  }

  /** Where the rows are: crash it to see what an unsynced batch is worth, and reopen from it. */
  get disk(): MemoryDisk<Column> {
    return this.#disk;
  }

  get(column: Column, key: Uint8Array): Uint8Array | undefined {
    this.#assertOpen();
    return this.#disk.tree(column).get(binaryString(key));
  }

  getMany(column: Column, keys: readonly Uint8Array[]): readonly (Uint8Array | undefined)[] {
    this.#assertOpen();
    const tree = this.#disk.tree(column);
    return keys.map((key) => tree.get(binaryString(key)));
  }

  scan(
    column: Column,
    from: Uint8Array,
    to: Uint8Array | undefined,
    options: KeyValueScanOptions = {},
  ): KeyValueIterator {
    this.#assertOpen();
    const bounds = { from: binaryString(from), to: to === undefined ? undefined : binaryString(to) };
    return new MemoryIterator({ ...bounds, ...options }, this.#disk.tree(column).clone(), () =>
      this.#assertOpen(),
    );
  }

  batch(): KeyValueBatch<Column> {
    return new MemoryBatch<Column>((operations, sync) => {
      this.#assertOpen();
      this.#disk.write(operations, sync);
    }, this.#disk.columns);
  }

  clearRange(column: Column, from: Uint8Array, to: Uint8Array): void {
    this.#assertOpen();
    this.#disk.write([{ kind: "clear", column, from: binaryString(from), to: binaryString(to) }], false);
  }

  sizeBytes(): number {
    return 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#session.open) return;
    this.#session.open = false;
    this.#disk.unlock(this.#session);
  }

  #assertOpen(): void {
    if (!this.#session.open) throw new StorageClosedError("Cannot use the memory store: it is closed");
  }
}

class MemoryBatch<Column extends string> implements KeyValueBatch<Column> {
  readonly #commit: (operations: readonly MemoryOperation<Column>[], sync: boolean) => void;
  readonly #columns: readonly Column[];
  #operations: MemoryOperation<Column>[] = [];

  constructor(
    commit: (operations: readonly MemoryOperation<Column>[], sync: boolean) => void,
    columns: readonly Column[],
  ) {
    this.#commit = commit;
    this.#columns = columns;
  }

  get size(): number {
    return this.#operations.length;
  }

  put(column: Column, key: Uint8Array, value: Uint8Array): void {
    this.#assertColumn(column);
    this.#operations.push({ kind: "put", column, key: binaryString(key), value: new Uint8Array(value) });
  }

  del(column: Column, key: Uint8Array): void {
    this.#assertColumn(column);
    this.#operations.push({ kind: "del", column, key: binaryString(key) });
  }

  write(options: { readonly sync: boolean }): void {
    this.#commit(this.#operations, options.sync);
    this.#operations = [];
  }

  clear(): void {
    this.#operations = [];
  }

  // Here and not when the batch is applied: a batch that fails half-way would not be atomic.
  #assertColumn(column: Column): void {
    invariant(this.#columns.includes(column), "a column is declared before it is used", { column });
  }
}
