export * from "./connect-patiently";
export * from "./errors";
export * from "./nats-transport";
export * from "./notice";
export type { NatsTransportOptions } from "./options";
