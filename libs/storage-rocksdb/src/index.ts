export { RocksKeyValueStore, type RocksKeyValueStoreOptions } from "./rocks-key-value-store";
export { RocksSnapshotStorage, type RocksSnapshotStorageOptions } from "./rocks-snapshot-storage";
export { checkWal, type WalDamage } from "./wal-check";
export { RocksLogStorage, type RocksLogStorageOptions } from "./rocks-log-storage";
