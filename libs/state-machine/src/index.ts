export { StateMachine, type StateMachineDependencies, type StateMachineOptions } from "./state-machine";
export * from "./types";
