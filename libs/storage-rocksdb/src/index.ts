export { RocksKeyValueStore, type RocksKeyValueStoreOptions } from "./rocks-key-value-store";
export { RocksLogStorage, type RocksLogStorageOptions } from "./rocks-log-storage";
