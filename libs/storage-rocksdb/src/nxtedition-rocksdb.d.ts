/**
 * The part of the native binding that is in use. It is reached below its public class on purpose: the class adds two to
 * four microseconds to each row (encodings, option copies, promises), and keeps every iterator in a list of its own.
 *
 * None of these calls checks anything: a closed database or a foreign column ends the process. Only `NativeDatabase`
 * may use them. The version is pinned in package.json; a new one needs a look at its `binding.cc`.
 */
declare module "@nxtedition/rocksdb/binding" {
  const opaque: unique symbol;
  type Handle<Name extends string> = { readonly [opaque]: Name };

  export type DatabaseHandle = Handle<"database">;
  export type ColumnHandle = Handle<"column">;
  export type IteratorHandle = Handle<"iterator">;
  export type BatchHandle = Handle<"batch">;

  /** Missing ones mean the binding's defaults, which take hundreds of megabytes: give all of them. */
  export interface ColumnOptions {
    /** Bytes of the column's own block cache. */
    readonly cacheSize: number;
    /** Bytes; each memtable takes a quarter, and up to six may exist. Ignored without `compaction`. */
    readonly memtableMemoryBudget: number;
    readonly compaction: "level" | "universal";
    /** Of the levels that `compaction` does not fix: "level" leaves the first two plain and compresses the others. */
    readonly compression: boolean;
  }

  export interface OpenOptions extends ColumnOptions {
    readonly createIfMissing: boolean;
    readonly walCompression: boolean;
    /** Background threads for flushes and compactions. */
    readonly parallelism: number;
    /** Must list `default` and every column that exists. */
    readonly columns: Readonly<Record<string, ColumnOptions>>;
  }

  export interface IteratorOptions {
    readonly column: ColumnHandle;
    readonly keyEncoding: "buffer";
    readonly valueEncoding: "buffer";
    readonly reverse: boolean;
    readonly values: boolean;
    readonly gte?: Uint8Array | undefined;
    readonly lt?: Uint8Array | undefined;
    /** Whether the blocks that were read stay in the cache. */
    readonly fillCache: boolean;
    /** A chunk ends with the row that exceeds this many bytes. */
    readonly highWaterMarkBytes: number;
  }

  export function db_init(directory: string): DatabaseHandle;
  export function db_open(
    database: DatabaseHandle,
    options: OpenOptions,
    done: (error: Error | null, columns: Readonly<Record<string, ColumnHandle>>) => void,
  ): void;
  export function db_close(database: DatabaseHandle, done: (error: Error | null) => void): void;
  /** `null`: not read, because a limit was reached. */
  export function db_get_many_sync(
    database: DatabaseHandle,
    keys: readonly Uint8Array[],
    options: { readonly column: ColumnHandle; readonly valueEncoding: "buffer" },
  ): (Uint8Array | undefined | null)[];
  export function db_clear(
    database: DatabaseHandle,
    options: { readonly column: ColumnHandle; readonly gte: Uint8Array; readonly lt: Uint8Array },
  ): void;

  export function iterator_init(database: DatabaseHandle, options: IteratorOptions): IteratorHandle;
  export function iterator_seek(iterator: IteratorHandle, key: Uint8Array): void;
  /** Keys and values in turn. */
  export function iterator_nextv_sync(
    iterator: IteratorHandle,
    rowsMax: number,
  ): { readonly rows: readonly (Uint8Array | undefined)[]; readonly finished: boolean };
  export function iterator_close(iterator: IteratorHandle): void;

  export function batch_init(): BatchHandle;
  export function batch_put(
    batch: BatchHandle,
    key: Uint8Array,
    value: Uint8Array,
    options: { readonly column: ColumnHandle },
  ): void;
  export function batch_del(
    batch: BatchHandle,
    key: Uint8Array,
    options: { readonly column: ColumnHandle },
  ): void;
  export function batch_write(
    database: DatabaseHandle,
    batch: BatchHandle,
    options: { readonly sync: boolean },
  ): void;
  export function batch_clear(batch: BatchHandle): void;
}
