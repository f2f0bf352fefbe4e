export * from "./anchor";
export * from "./errors";
export * from "./key-value-log-storage";
export * from "./key-value-store";
export { LOG_FORMAT } from "./log-rows";
export * from "./log-storage";
export * from "./memory-anchor";
export * from "./memory-disk";
export * from "./memory-key-value-store";
export * from "./memory-log-storage";
export * from "./memory-snapshot-storage";
export * from "./slotted-anchor";
export * from "./snapshot-storage";

// For specs only: they use jest's globals once called, and nothing before.
export * from "./anchor.contract";
export * from "./key-value-store.contract";
export * from "./log-storage.contract";
export * from "./snapshot-storage.contract";
