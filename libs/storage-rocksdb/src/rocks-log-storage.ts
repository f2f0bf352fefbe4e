import {
  KeyValueLogStorage,
  LOG_COLUMNS,
  type LogColumn,
  type LogExpectation,
  type LogFoundation,
  type LogStorage,
  StorageCorruptionError,
  StorageIdentityError,
} from "@quorate/storage";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { RocksKeyValueStore } from "./rocks-key-value-store";

export interface RocksLogStorageOptions {
  /** Of this database alone: `raft/` in the data directory of a member. */
  readonly directory: string;
  /** Bytes of cached blocks. Default 8 MiB: the newest entries are kept by Raft itself, old ones are read once. */
  readonly cacheBytes?: number;
  /** As for {@link RocksKeyValueStore}; it also bounds the write-ahead log, to six times this. Default 16 MiB. */
  readonly memtableBytes?: number;
  /** Bytes of entry data that `start.tail` holds at the most. Default 8 MiB. */
  readonly tailBytesMax?: number;
}

const MIB = 1024 * 1024;

/**
 * A {@link LogStorage} on a RocksDB database of its own. It belongs to one thread, the log writer's: every `append` syncs
 * before it returns, and blocks the thread for as long as that takes.
 */
export const RocksLogStorage = {
  /**
   * Founds a new member's log and opens it. The directory may exist if it is empty, or if an earlier `create` did not
   * come to its end.
   *
   * @throws {StorageIdentityError} the directory holds a member, or files of something else.
   */
  async create(options: RocksLogStorageOptions, foundation: LogFoundation): Promise<LogStorage> {
    const { directory } = options;
    if (filesIn(directory).length > 0 && !holdsDatabase(directory)) {
      throw new StorageIdentityError(
        `Cannot create a member in ${directory}: there are other files in it. Choose an empty directory`,
      );
    }
    const store = await openStore(options, true);
    return orClose(store, () => KeyValueLogStorage.create(logOptions(options), store, foundation));
  },

  /**
   * Opens the log for a start of its member, whose incarnation rises by one before this returns.
   *
   * @param expected Whose log it must be; not checked if left out.
   * @throws {StorageIdentityError} there is no member in the directory, or another one.
   * @throws {StorageCorruptionError} what must be there is missing or damaged.
   */
  async open(options: RocksLogStorageOptions, expected?: LogExpectation): Promise<LogStorage> {
    const { directory } = options;
    if (filesIn(directory).length === 0) {
      throw new StorageIdentityError(
        `Cannot open the log in ${directory}: the directory is empty or missing. Check that its volume is mounted. ` +
          `A member that lost its directory must be removed from the cluster and added as a new one`,
      );
    }
    if (!holdsDatabase(directory)) {
      throw new StorageCorruptionError(
        `Cannot open the log in ${directory}: there are files in it, but the one named CURRENT is missing. ` +
          `Keep them for examination, and replace this member by a new one`,
      );
    }
    const store = await openStore(options, false);
    return orClose(store, () => KeyValueLogStorage.open(logOptions(options), store, expected));
  },
};

function openStore(
  options: RocksLogStorageOptions,
  createIfMissing: boolean,
): Promise<RocksKeyValueStore<LogColumn>> {
  return RocksKeyValueStore.open<LogColumn>({
    directory: options.directory,
    columns: LOG_COLUMNS,
    smallColumns: ["meta"],
    cacheBytes: options.cacheBytes ?? 8 * MIB,
    memtableBytes: options.memtableBytes ?? 16 * MIB,
    compression: false, // commands are mostly compressed or small, and soon deleted again
    createIfMissing,
  });
}

function logOptions(options: RocksLogStorageOptions): {
  readonly place: string;
  readonly tailBytesMax: number;
} {
  return { place: options.directory, tailBytesMax: options.tailBytesMax ?? 8 * MIB };
}

/** A database whose opening failed must not stay locked. */
async function orClose<T>(store: AsyncDisposable, use: () => T): Promise<T> {
  try {
    return use();
  } catch (error) {
    await store[Symbol.asyncDispose]();
    throw error;
  }
}

function filesIn(directory: string): readonly string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}

/** RocksDB names its manifest in this file, from the creation of a database on. */
function holdsDatabase(directory: string): boolean {
  return existsSync(join(directory, "CURRENT"));
}
