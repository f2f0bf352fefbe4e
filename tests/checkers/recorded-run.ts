import type { Change, Operation, Version } from "./history";
import type { HeldLease } from "./leases";
import type { MemberHash } from "./durability";
import type { WatchRecord } from "./watches";

/** All that is known of a run: enough to check it again anywhere. */
export interface RecordedRun {
  /** What was run: workload, fault, seed. */
  readonly title: string;
  readonly operations: readonly Operation[];
  /** What the keys begin with that nobody but these operations writes; absent: all keys are theirs. */
  readonly prefixes?: readonly string[];
  /** What the keys of lists begin with; absent: there are no lists. */
  readonly listPrefix?: string;
  /** All changes since the first, as each of some members had them. */
  readonly logs: readonly (readonly Change[])[];
  /** What the store held in the end; absent: not read. */
  readonly contents?: readonly Version[];
  readonly watches: readonly WatchRecord[];
  readonly compactRevision: number;
  readonly leases: readonly HeldLease[];
  /** When each revision was first seen; needed with leases. */
  readonly appliedAt: readonly (readonly [revision: number, at: number])[];
  readonly hashes: readonly MemberHash[];
}

export const EMPTY_RUN: RecordedRun = {
  title: "",
  operations: [],
  logs: [],
  watches: [],
  compactRevision: 0,
  leases: [],
  appliedAt: [],
  hashes: [],
};
