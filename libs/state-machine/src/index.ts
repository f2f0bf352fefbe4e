export { StateMachine, type StateMachineDependencies, type StateMachineOptions } from "./state-machine";
export * from "./membership/membership";
export * from "./types";
