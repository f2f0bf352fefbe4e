import {
  KeyValueLogStorage,
  LOG_COLUMNS,
  type LogColumn,
  type LogExpectation,
  type LogFoundation,
} from "./key-value-log-storage";
import type { LogStorage } from "./log-storage";
import { MemoryDisk, type MemoryDiskOptions } from "./memory-disk";
import { MemoryKeyValueStore } from "./memory-key-value-store";

/** Where a {@link MemoryLogStorage} keeps one member's log; reopened, it is that member after a restart. */
export class MemoryLogDisk extends MemoryDisk<LogColumn> {
  /** @param options See {@link MemoryDisk}. */
  constructor(options: MemoryDiskOptions = {}) {
    super(LOG_COLUMNS, options);
  }
}

const TAIL_BYTES_MAX = 8 * 1024 * 1024;
const PLACE = "the memory disk";

/**
 * A {@link LogStorage} in memory. It keeps the very rows that the one on RocksDB writes, so that simulations run through
 * the same encoding and the same checks.
 */
export const MemoryLogStorage = {
  /** Makes `disk` the log of a new member. @throws {StorageIdentityError} it holds a member already. */
  create(
    disk: MemoryLogDisk,
    foundation: LogFoundation,
    options: { readonly tailBytesMax?: number } = {},
  ): LogStorage {
    return orRelease(new MemoryKeyValueStore(disk), (store) =>
      KeyValueLogStorage.create(
        { place: PLACE, tailBytesMax: options.tailBytesMax ?? TAIL_BYTES_MAX },
        store,
        foundation,
      ),
    );
  },

  /** A start of the member on `disk`: its incarnation rises by one. @throws {StorageIdentityError} another's disk, or none's. */
  open(
    disk: MemoryLogDisk,
    expected?: LogExpectation,
    options: { readonly tailBytesMax?: number } = {},
  ): LogStorage {
    return orRelease(new MemoryKeyValueStore(disk), (store) =>
      KeyValueLogStorage.open(
        { place: PLACE, tailBytesMax: options.tailBytesMax ?? TAIL_BYTES_MAX },
        store,
        expected,
      ),
    );
  },
};

/** A disk whose opening failed must not stay locked. */
function orRelease<T>(
  store: MemoryKeyValueStore<LogColumn>,
  use: (store: MemoryKeyValueStore<LogColumn>) => T,
): T {
  try {
    return use(store);
  } catch (error) {
    void store[Symbol.asyncDispose](); // in memory it is done when the call returns
    throw error;
  }
}
