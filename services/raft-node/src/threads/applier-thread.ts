import { workerData } from "node:worker_threads";
import { systemClock } from "@quorate/actor";
import { STATE_COLUMNS, StateMachine, type StateColumn } from "@quorate/state-machine";
import { RocksKeyValueStore } from "@quorate/storage-rocksdb";
import { ApplierActor, type ApplierOptions } from "../actors/applier-actor";
import { packApplierReport, unpackApplierMessage } from "./applier-port";
import { runThread } from "./thread-main";

/** What the applier thread is started with. */
export interface ApplierThreadData {
  readonly directory: string;
  /** Only for a new member: later a missing database is damage. */
  readonly createIfMissing: boolean;
  readonly options: ApplierOptions;
}

void runThread("applier", unpackApplierMessage, packApplierReport, async (reports) => {
  const { directory, createIfMissing, options } = workerData as ApplierThreadData;
  const store = await RocksKeyValueStore.open<StateColumn>({
    directory,
    columns: STATE_COLUMNS,
    smallColumns: ["lease", "meta"],
    createIfMissing,
  });
  const stateMachine = new StateMachine({}, { view: store });
  return {
    actor: new ApplierActor(options, { store, stateMachine, reports, clock: systemClock }),
    started: {
      position: stateMachine.position,
      membership: stateMachine.membership,
      condition: stateMachine.condition,
    },
    close: () => store[Symbol.asyncDispose](),
  };
});
