export * from "./actor";
export * from "./mailbox";
export * from "./system-clock";
export * from "./virtual-time";
