export { EXIT } from "./exit-codes";
export { NodeProcess, type Companion, type NodeProcessDependencies } from "./node-process";
export { parseNodeOptions, quotaBytesOf, type InitialMember, type NodeOptions } from "./options";
export { PRODUCT_VERSION } from "./version";
export type { RunningNode } from "./wiring";
