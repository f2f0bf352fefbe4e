export * from "./errors";
export * from "./key-value-store";
export * from "./log-storage";
