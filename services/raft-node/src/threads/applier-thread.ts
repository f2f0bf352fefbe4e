import { workerData } from "node:worker_threads";
import { systemClock } from "@quorate/actor";
import type { LogIndex } from "@quorate/raft";
import { STATE_COLUMNS, type StateColumn } from "@quorate/state-machine";
import { StorageCorruptionError } from "@quorate/storage";
import { RocksSnapshotStorage, setStateAside } from "@quorate/storage-rocksdb";
import { ApplierActor, type ApplierOptions } from "../actors/applier-actor";
import { AppliedState } from "../snapshot/applied-state";
import { SnapshotLane, type SnapshotLaneOptions } from "../snapshot/snapshot-lane";
import { packApplierReport, unpackApplierMessage } from "./applier-port";
import { runThread } from "./thread-main";

/** What the applier thread is started with. */
export interface ApplierThreadData {
  /** Of the member. */
  readonly directory: string;
  /** Where the log begins: decides whether a snapshot that was on its way is the state. */
  readonly compacted: LogIndex;
  readonly options: ApplierOptions & SnapshotLaneOptions;
}

void runThread("applier", unpackApplierMessage, packApplierReport, async (reports) => {
  const { options } = workerData as ApplierThreadData;
  const { state, setAside } = await openState();
  const snapshots = new SnapshotLane(options, { state, reports, clock: systemClock });
  return {
    actor: new ApplierActor(options, { state, snapshots, reports, clock: systemClock }),
    started: {
      position: state.stateMachine.position,
      membership: state.stateMachine.membership,
      condition: state.stateMachine.condition,
      setAside,
    },
    close: () => state.storage[Symbol.asyncDispose](),
  };
});

/** A state that is found to be damaged here is set aside: it is made anew from what the log, or another member, has. */
async function openState(): Promise<{ readonly state: AppliedState; readonly setAside: string | undefined }> {
  const { directory } = workerData as ApplierThreadData;
  try {
    return { state: await tryToOpen(), setAside: undefined };
  } catch (error) {
    if (!(error instanceof StorageCorruptionError)) throw error;
    await setStateAside(directory, error);
    return { state: await tryToOpen(), setAside: error.message };
  }
}

async function tryToOpen(): Promise<AppliedState> {
  const { directory, compacted } = workerData as ApplierThreadData;
  const storage = await RocksSnapshotStorage.open<StateColumn>({
    directory,
    compacted,
    columns: STATE_COLUMNS,
    smallColumns: ["lease", "meta"],
  });
  try {
    return new AppliedState({ storage });
  } catch (error) {
    await storage[Symbol.asyncDispose]();
    throw error;
  }
}
