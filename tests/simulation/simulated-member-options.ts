import type { Configuration, MemberId } from "@quorate/raft";
import type { QuotaOptions } from "../../services/raft-node/src/actors/quota-actor";
import type { AutoCompaction } from "../../services/raft-node/src/auto-compaction";
import type { LaneSpeed } from "./slow-lane";
import type { SmallLimits } from "./small-limits";

export interface SimulatedMemberOptions {
  readonly name: string;
  readonly memberId: MemberId;
  readonly clusterId: bigint;
  /** What its log was made with; nobody, if it joins later. */
  readonly configuration: Configuration;
  readonly logSpeed: LaneSpeed;
  readonly applySpeed: LaneSpeed;
  /** Small, so that members often lag beyond what is kept in memory. */
  readonly cacheBytesMax: number;
  readonly autoCompaction: AutoCompaction | undefined;
  /** Small, so that members that were away need snapshots. */
  readonly logKeepEntries: number;
  readonly logKeepBytesMax: number;
  readonly snapshotChunkBytes: number;
  readonly quota: QuotaOptions;
  /** Each start is one of this build or one of the build before, until that one is found to be too old. */
  readonly mixesBuilds: boolean;
  /** How often the leader compares the members' key-values; `undefined`: never. */
  readonly corruptCheckMs?: number;
  /** Whether it compares its state with the others' before it serves. */
  readonly initialCorruptCheck?: boolean;
  readonly strictAnchor: boolean;
  /** By default as in production. */
  readonly limits?: SmallLimits;
  /** It neither serves clients nor says that it leads: only other members hear of it. */
  readonly raftOnly?: boolean;
}
