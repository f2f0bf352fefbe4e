import type { EntryId, MemberId, Term } from "@quorate/raft";

/** What a member has promised, as its anchor tells it. */
export interface AnchorRecord {
  readonly clusterId: bigint;
  readonly memberId: MemberId;
  /** Starts of the member: a log that was set back must not bring back numbers that others have seen. */
  readonly incarnation: number;
  readonly term: Term;
  readonly vote: MemberId | undefined;
  /** The log was durable up to here, at least. */
  readonly last: EntryId;
  /** The chain hash there; `undefined` if only the applied state tells that the log once went so far. */
  readonly chain: number | undefined;
}

/**
 * A witness of a member's log, kept outside its database. A write-ahead log that was cut or has a flipped bit opens without a
 * word and without its end; only something that is not part of it can tell. It says no more than what was durable before
 * it was written, so a log that is sound is never behind it: the same term or a later one, the same length or a longer one.
 */
export interface Anchor extends Disposable {
  /** The newest record that was readable when the anchor was opened; `undefined` if there was none. */
  readonly found: AnchorRecord | undefined;
  /** Slots that held something else than what was once written: 1 after a crash in the middle of a write. */
  readonly damagedSlots: number;
  /**
   * Durable when it returns.
   *
   * @throws {StorageWriteError} which of the last two records is there is unknown.
   */
  write(record: AnchorRecord): void;
}
