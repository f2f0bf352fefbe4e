export { StateMachine, type StateMachineDependencies, type StateMachineOptions } from "./state-machine";
export * from "./cluster-version";
export { leaseInRow } from "./lease-rows";
export { STATE_FORMAT } from "./meta-rows";
export * from "./membership/membership";
export * from "./types";
