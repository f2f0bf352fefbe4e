export * from "./broker-access";
export { askBroker, independentBrokers, type BrokerInfo } from "./broker-info";
export * from "./connect-patiently";
export * from "./errors";
export * from "./nats-transport";
export * from "./notice";
export type { BrokerNeeds } from "./needs";
export type { NatsTransportOptions } from "./options";
