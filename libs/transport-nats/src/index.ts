export * from "./broker-access";
export * from "./connect-patiently";
export * from "./errors";
export * from "./nats-transport";
export * from "./notice";
export type { BrokerNeeds } from "./needs";
export type { NatsTransportOptions } from "./options";
