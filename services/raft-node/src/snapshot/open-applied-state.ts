import type { LogIndex } from "@quorate/raft";
import { STATE_COLUMNS, type StateColumn } from "@quorate/state-machine";
import { RocksSnapshotStorage } from "@quorate/storage-rocksdb";
import { AppliedState } from "./applied-state";

/**
 * Opens the state of the member in `directory`; its storage is the caller's to close.
 *
 * @param compacted Where the log begins: decides whether a snapshot that was on its way is the state.
 */
export async function openAppliedState(directory: string, compacted: LogIndex): Promise<AppliedState> {
  const storage = await RocksSnapshotStorage.open<StateColumn>({
    directory,
    compacted,
    columns: STATE_COLUMNS,
    smallColumns: ["lease", "meta"],
  });
  return new AppliedState({ storage });
}
