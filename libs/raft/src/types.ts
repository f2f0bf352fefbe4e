import type { Brand } from "@quorate/base";

/** Raft term: 0 before the first election. Rises by one per election, at most 2^53-1. */
export type Term = Brand<number, "Term">;

/** Position in the log; the first entry is 1, 0 stands before it. */
export type LogIndex = Brand<number, "LogIndex">;

/** Random 64-bit identity of a member, used once for ever; never 0. Compared and printed, not computed with. */
export type MemberId = Brand<bigint, "MemberId">;

/** Where an entry stands. The two never travel apart: an index alone does not name an entry. */
export interface EntryId {
  readonly term: Term;
  readonly index: LogIndex;
}

/**
 * One log entry. `data` is frozen once the entry exists.
 *
 * `chain` is the hash of everything up to and including this entry (h(i) = H(h(i-1), index, term, type, data)), so two
 * logs that agree on (index, chain) agree on all entries before it: the Log Matching property made checkable.
 */
export interface Entry extends EntryId {
  readonly type: EntryType;
  readonly data: Uint8Array;
  readonly chain: number;
}

/** "empty" is what a leader appends on election; "command" is opaque to Raft; "configuration" changes the voters. */
export type EntryType = "empty" | "command" | "configuration";

/** What must be durable before a message that reveals it leaves the member (thesis §3.8). */
export interface HardState {
  readonly term: Term;
  /** Who got this term's vote, if anyone. */
  readonly vote: MemberId | undefined;
  /** A hint that saves work after a restart; never waited for. */
  readonly commit: LogIndex;
}

/**
 * Voters and learners. `outgoing` is empty except while a joint change is under way (thesis §4.3); every majority is
 * then needed in both halves.
 */
export interface Configuration {
  readonly incoming: readonly MemberId[];
  readonly outgoing: readonly MemberId[];
  readonly learners: readonly MemberId[];
}

/** The state after an entry, and the membership there. */
export interface StateView extends EntryId {
  readonly configuration: Configuration;
}

/** Up to where a snapshot of the state goes, and the chain hash at its last entry. */
export interface SnapshotHead extends StateView {
  readonly chain: number;
}

export type Role = "follower" | "pre-candidate" | "candidate" | "leader";
