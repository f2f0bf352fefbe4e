import type { LogIndex } from "@quorate/raft";
import { StateMachine, type StateColumn } from "@quorate/state-machine";
import type { KeyValueStore, SnapshotStorage } from "@quorate/storage";

/** The database in use and the state machine on it. A snapshot replaces both. */
export class AppliedState {
  #stateMachine: StateMachine;

  constructor(private readonly dependencies: { readonly storage: SnapshotStorage<StateColumn> }) {
    this.#stateMachine = new StateMachine({}, { view: this.store });
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

  /** What is sealed becomes the state. Until `installed` nothing may be read or applied. */
  install(index: LogIndex, installed: () => void): void {
    this.dependencies.storage.install(index, () => {
      this.#stateMachine = new StateMachine({}, { view: this.store });
      installed();
    });
  }
}
