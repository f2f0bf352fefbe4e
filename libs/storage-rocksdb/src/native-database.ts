import { compareBytes, invariant } from "@quorate/base";
import { type KeyValueIterator, type KeyValueScanOptions, StorageClosedError } from "@quorate/storage";
import * as binding from "@nxtedition/rocksdb/binding";
import { mkdir } from "node:fs/promises";
import { openErrorOf, readErrorOf, writeErrorOf } from "./native-errors";
import { NativeIterator } from "./native-iterator";

export interface NativeDatabaseOptions {
  readonly directory: string;
  readonly columns: Readonly<Record<string, binding.ColumnOptions>>;
  readonly createIfMissing: boolean;
  /** Background threads for flushes and compactions. */
  readonly parallelism: number;
}

/**
 * Open databases. The binding closes one whose object is collected, under the feet of whoever still uses it; this list
 * keeps each alive until it was closed properly.
 */
const openDatabases = new Set<NativeDatabase>();

/** For the `default` column, which RocksDB insists on and nothing here uses, and for the top level. */
const UNUSED_COLUMN: binding.ColumnOptions = {
  cacheSize: 64 * 1024,
  memtableMemoryBudget: 256 * 1024,
  compaction: "level",
  compression: false,
};

const CACHED_SCAN_ROWS_MAX = 1_000;
/** Bounds what one chunk of a scan holds in memory, beside the row that exceeds it. */
const CHUNK_BYTES_MAX = 512 * 1024;

/** One change of a batch; a delete has no value. */
export interface NativeOperation {
  readonly column: string;
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
}

/**
 * A RocksDB database behind the checks that its binding lacks: nothing reaches native code once it is closed, columns
 * cannot be mixed up between databases, and errors are typed.
 *
 * All calls but open and close run on the calling thread.
 */
export class NativeDatabase {
  readonly directory: string;
  readonly #database: binding.DatabaseHandle;
  readonly #columns: ReadonlyMap<
    string,
    { readonly column: binding.ColumnHandle; readonly valueEncoding: "buffer" }
  >;
  // One for all writes: native batches are invisible to the garbage collector, and this one keeps its memory for reuse.
  readonly #batch = binding.batch_init();
  readonly #iterators = new Set<NativeIterator>();
  #open = true;
  #writeFailed = false;
  #closed: Promise<void> | undefined;

  private constructor(
    directory: string,
    database: binding.DatabaseHandle,
    columns: Readonly<Record<string, binding.ColumnHandle>>,
  ) {
    this.directory = directory;
    this.#database = database;
    this.#columns = new Map(
      Object.entries(columns).map(([name, column]) => [name, { column, valueEncoding: "buffer" }]),
    );
    openDatabases.add(this);
  }

  /**
   * @throws {StorageOpenError | StorageLockedError | StorageCorruptionError} the text says what to do.
   */
  static async open(options: NativeDatabaseOptions): Promise<NativeDatabase> {
    const { directory, createIfMissing, parallelism } = options;
    try {
      if (createIfMissing) await mkdir(directory, { recursive: true });
      const database = binding.db_init(directory);
      const columns = await new Promise<Readonly<Record<string, binding.ColumnHandle>>>((resolve, reject) => {
        binding.db_open(
          database,
          {
            ...UNUSED_COLUMN,
            createIfMissing,
            parallelism,
            walCompression: false, // it costs more than the writes it saves, and hides the records from checks
            columns: { default: UNUSED_COLUMN, ...options.columns },
          },
          (error, opened) => (error ? reject(error) : resolve(opened)),
        );
      });
      return new NativeDatabase(directory, database, columns);
    } catch (error) {
      throw openErrorOf(directory, error);
    }
  }

  /** One answer per key, in order. @throws {StorageCorruptionError} a block does not match its checksum. */
  getMany(column: string, keys: readonly Uint8Array[]): readonly (Uint8Array | undefined)[] {
    const options = this.#column(column);
    let answers: (Uint8Array | undefined | null)[];
    try {
      answers = binding.db_get_many_sync(this.#database, keys, options);
    } catch (error) {
      throw readErrorOf(this.directory, error);
    }
    for (const answer of answers) invariant(answer !== null, "a read without a limit answers every key");
    return answers as (Uint8Array | undefined)[];
  }

  /** Rows from `from` (included) to `to` (excluded) as they are now. */
  scan(
    column: string,
    from: Uint8Array,
    to: Uint8Array | undefined,
    options: KeyValueScanOptions,
  ): KeyValueIterator {
    const handle = this.#column(column).column;
    if (to !== undefined && compareBytes(from, to) >= 0) return new EmptyIterator(() => this.#assertOpen());
    const { reverse = false, keysOnly = false, expect } = options;
    try {
      const iterator = binding.iterator_init(this.#database, {
        column: handle,
        keyEncoding: "buffer",
        valueEncoding: "buffer",
        reverse,
        values: !keysOnly,
        gte: from.length === 0 ? undefined : from,
        lt: to,
        // A long scan must not push out of the cache what short reads live on.
        fillCache: expect !== undefined && expect <= CACHED_SCAN_ROWS_MAX,
        highWaterMarkBytes: CHUNK_BYTES_MAX,
      });
      const opened = new NativeIterator({ from, to, reverse, expect }, iterator, {
        directory: this.directory,
        assertOpen: () => this.#assertOpen(),
        closed: (closed) => this.#iterators.delete(closed),
      });
      this.#iterators.add(opened);
      return opened;
    } catch (error) {
      throw readErrorOf(this.directory, error);
    }
  }

  /**
   * Applies all operations in order, or none.
   *
   * @param sync Returns only after the write-ahead log was synced.
   * @throws {StorageWriteError} every later write throws it too: RocksDB needs to be reopened.
   */
  write(operations: readonly NativeOperation[], sync: boolean): void {
    this.#assertWritable();
    // Looked up first, so that an unknown column leaves nothing half-done.
    for (const { column } of operations) this.#column(column);
    try {
      for (const { column, key, value } of operations) {
        const options = this.#columns.get(column)!;
        if (value === undefined) binding.batch_del(this.#batch, key, options);
        else binding.batch_put(this.#batch, key, value, options);
      }
      binding.batch_write(this.#database, this.#batch, { sync });
    } catch (error) {
      this.#writeFailed = true;
      throw writeErrorOf(this.directory, error);
    } finally {
      binding.batch_clear(this.#batch);
    }
  }

  /** Deletes [from, to) at once, whatever its size; not synced. */
  clearRange(column: string, from: Uint8Array, to: Uint8Array): void {
    const handle = this.#column(column).column;
    this.#assertWritable();
    if (compareBytes(from, to) >= 0) return;
    try {
      binding.db_clear(this.#database, { column: handle, gte: from, lt: to });
    } catch (error) {
      this.#writeFailed = true;
      throw writeErrorOf(this.directory, error);
    }
  }

  /** Syncs and closes; from the call on, everything else throws. Every call returns the same promise. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#open = false;
    // The binding would close them on another thread, while the garbage collector may free them on this one.
    for (const iterator of this.#iterators) iterator[Symbol.dispose]();
    try {
      await new Promise<void>((resolve, reject) => {
        binding.db_close(this.#database, (error) => (error ? reject(error) : resolve()));
      });
    } catch (error) {
      throw writeErrorOf(this.directory, error);
    } finally {
      openDatabases.delete(this);
    }
  }

  #column(name: string): { readonly column: binding.ColumnHandle; readonly valueEncoding: "buffer" } {
    this.#assertOpen();
    const column = this.#columns.get(name);
    invariant(column !== undefined, "a column is declared before it is used", { column: name });
    return column;
  }

  #assertOpen(): void {
    if (!this.#open)
      throw new StorageClosedError(`Cannot use the database in ${this.directory}: it is closed`);
  }

  #assertWritable(): void {
    this.#assertOpen();
    if (this.#writeFailed) throw writeErrorOf(this.directory, "an earlier write failed");
  }
}

class EmptyIterator implements KeyValueIterator {
  readonly #assertOpen: () => void;
  #closed = false;

  constructor(assertOpen: () => void) {
    this.#assertOpen = assertOpen;
  }

  next(): undefined {
    this.#assertOpen();
    if (this.#closed) throw new StorageClosedError("Cannot read on: the iterator is closed");
  }

  seek(): void {
    this.next();
  }

  [Symbol.dispose](): void {
    this.#closed = true;
  }
}
