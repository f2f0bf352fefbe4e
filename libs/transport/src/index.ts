export * from "./broker-link";
export * from "./deadline-wheel";
export * from "./errors";
export * from "./fragment";
export * from "./memory-network";
export * from "./network-faults";
export * from "./process-exchange";
export * from "./reassembler";
export * from "./subject";
export * from "./transport";
export * from "./transport-core";

// For specs only: it uses jest's globals once called, and nothing before.
export * from "./transport.contract";
