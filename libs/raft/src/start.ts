import type { Configuration, Entry, EntryId, HardState, LogIndex } from "./types";

/** What a member starts from: what its log store and its state machine kept. All of it is durable. */
export interface RaftStart {
  readonly hardState: HardState;
  /** Membership as of `applied`. */
  readonly configuration: Configuration;
  /** The last entry that is no longer in the log; (0, 0) when none was removed yet. */
  readonly compacted: EntryId;
  readonly compactedChain: number;
  /** The first entry of each run of entries of one term after `compacted`, ascending. */
  readonly termRuns: readonly EntryId[];
  /** The newest entries, without a gap, up to the last; empty only if the log is. */
  readonly tail: readonly Entry[];
  /**
   * What the state machine already holds: `apply` begins after it. Below `compacted` it is damaged: the entries in between
   * are gone, so the member follows and votes, but neither campaigns nor applies until a snapshot has replaced its state.
   */
  readonly applied: LogIndex;
  /**
   * The newest entry that this member is known to have held and has lost: it starts in repair mode (see Repair). Only then may
   * `applied` and the commit index lie behind the end of the log, and `applied` must not lie behind this entry.
   */
  readonly repairUntil?: EntryId | undefined;
}
