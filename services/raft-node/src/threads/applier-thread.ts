import { workerData } from "node:worker_threads";
import { systemClock } from "@quorate/actor";
import type { LogIndex } from "@quorate/raft";
import { ApplierActor, type ApplierOptions } from "../actors/applier-actor";
import { openAppliedState } from "../snapshot/open-applied-state";
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
  const { directory, compacted, options } = workerData as ApplierThreadData;
  const state = await openAppliedState(directory, compacted);
  const snapshots = new SnapshotLane(options, { state, reports, clock: systemClock });
  return {
    actor: new ApplierActor(options, { state, snapshots, reports, clock: systemClock }),
    started: {
      position: state.stateMachine.position,
      membership: state.stateMachine.membership,
      condition: state.stateMachine.condition,
    },
    close: () => state.storage[Symbol.asyncDispose](),
  };
});
