import type { Configuration, Entry, EntryId, HardState, LogIndex, LogRestart, MemberId } from "@quorate/raft";

/** Who owns a data directory; written once when the member is created and checked at each open. */
export interface LogIdentity {
  readonly clusterId: bigint;
  readonly clusterName: string;
  readonly memberId: MemberId;
  readonly memberName: string;
  /** Random, made with the directory: tells a copied directory from the original. */
  readonly directoryId: string;
  /** The cluster that this one was made of by `--force-new-cluster`, if it was. */
  readonly refoundedFrom?: bigint;
}

/** What a log must carry to be started from: read once, at open. */
export interface LogStart {
  readonly identity: LogIdentity;
  /** Starts of this member so far, this one included; persisted before `open` returns. */
  readonly incarnation: number;
  readonly hardState: HardState;
  /** Membership at `compacted`. */
  readonly configuration: Configuration;
  /** The last entry that is no longer in the log; (0, 0) when none was removed yet. Its chain hash stands beside it. */
  readonly compacted: EntryId;
  readonly compactedChain: number;
  /** The first index of each run of entries with one term, ascending: enough to know every entry's term. */
  readonly termRuns: readonly EntryId[];
  /** The newest entries up to `tailBytesMax`, gap-free up to the last; each verified. */
  readonly tail: readonly Entry[];
  /** Whether this log has an anchor: then a missing one is damage. Logs of versions before anchors have none yet. */
  readonly anchored: boolean;
}

/** One durable step of the log, as in Raft's `persist` effect. */
export interface LogWrite {
  readonly restart?: LogRestart | undefined;
  readonly truncateFrom: LogIndex | undefined;
  readonly entries: readonly Entry[];
  readonly hardState: HardState | undefined;
}

/** A place in the log. */
export interface LogPosition {
  /** The entry there; (0, 0) before the first. */
  readonly at: EntryId;
  /** The chain hash at it. */
  readonly chain: number;
}

/** From where to where a log goes at the moment. */
export interface LogExtent {
  /** The last entry that is no longer in it, and the chain hash there. */
  readonly compacted: EntryId;
  readonly chain: number;
  readonly last: LogIndex;
}
/** Where the log begins after a step of compaction: `at` is the last entry that is gone. */
export type LogCompacted = LogPosition;

/**
 * The Raft log and hard state of one member. Synchronous: it belongs to the log-writer thread.
 *
 * Every stored entry carries a crc32 of its own; damage is an error on read, never other bytes.
 */
export interface LogStorage extends AsyncDisposable {
  readonly start: LogStart;
  readonly extent: LogExtent;
  /** Approximate bytes on disk; 0 where there is none. */
  sizeBytes(): number;
  /** Where the log ends, durably. @throws {StorageCorruptionError} the last entry is not readable. */
  readonly last: LogPosition;
  /**
   * Records, durably, that this log has an anchor. To be called once that is written.
   *
   * @throws {StorageWriteError}
   */
  markAnchored(): void;
  /**
   * Applies all `writes` in order as one atomic batch with one sync (group commit).
   *
   * @throws {StorageWriteError} what became durable is unknown: the process must exit, not retry.
   */
  append(writes: readonly LogWrite[]): void;
  /**
   * One step of removing the log up to `upTo`: at most `entriesMax` entries, together with the record of where the log begins
   * now, in one synced batch. To be repeated until it has come to `upTo`. Does nothing if the log begins behind it.
   *
   * @throws {StorageWriteError | StorageCorruptionError}
   */
  compact(upTo: LogIndex, configuration: Configuration, entriesMax: number): LogCompacted;
  /**
   * Hands the log to another cluster: who owns it and the last entries of the former one's rule change in one synced batch.
   * The object, and its `start`, are of no use afterwards: open the log again.
   *
   * @throws {StorageWriteError}
   */
  refound(identity: LogIdentity, write: LogWrite): void;
  /**
   * Consecutive entries from `from` to `to` (both included), cut after `bytesMax` bytes of data but never before the
   * first; none if `from` is not in the log any more. @throws {StorageCorruptionError} an entry is missing or damaged.
   */
  read(from: LogIndex, to: LogIndex, bytesMax: number): Entry[];
}
