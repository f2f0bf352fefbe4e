import type { LogIndex } from "@quorate/raft";
import { StateMachine, type StateColumn, type StateMachineOptions } from "@quorate/state-machine";
import type { KeyValueStore, SnapshotStorage } from "@quorate/storage";

/** The database in use and the state machine on it. A snapshot replaces both. */
export class AppliedState {
  #stateMachine: StateMachine;

  constructor(
    private readonly dependencies: { readonly storage: SnapshotStorage<StateColumn> },
    private readonly options: StateMachineOptions = {},
  ) {
    this.#stateMachine = this.stateMachineOn(this.store);
  }

  get storage(): SnapshotStorage<StateColumn> {
    return this.dependencies.storage;
  }

  get store(): KeyValueStore<StateColumn> {
    return this.dependencies.storage.store;
  }

  get stateMachine(): StateMachine {
    return this.#stateMachine;
  }

  /** On a store that is not the state yet. @throws {UnsupportedVersionError} */
  stateMachineOn(store: KeyValueStore<StateColumn>): StateMachine {
    return new StateMachine(this.options, { view: store });
  }

  /** What is sealed becomes the state. Until `installed` nothing may be read or applied. */
  install(index: LogIndex, installed: () => void): void {
    this.dependencies.storage.install(index, () => {
      this.#stateMachine = this.stateMachineOn(this.store);
      installed();
    });
  }
}
