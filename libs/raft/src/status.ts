import type { Progress } from "./tracker/peer";
import type { Configuration, EntryId, LogIndex, MemberId, Role, Term } from "./types";

/** A picture of a member, for operators and tests. Nothing is decided by it. */
export interface RaftStatus {
  readonly memberId: MemberId;
  readonly role: Role;
  readonly term: Term;
  readonly vote: MemberId | undefined;
  readonly leader: MemberId | undefined;
  readonly established: boolean;
  readonly last: EntryId;
  /** The last entry that is no longer in the log. */
  readonly compacted: LogIndex;
  readonly durable: LogIndex;
  readonly commit: LogIndex;
  readonly applied: LogIndex;
  /** False: the applied state is damaged or being replaced, and must not be read. */
  readonly stateIsWhole: boolean;
  /** The log has lost entries up to this one: the member is in repair mode until it holds as much again. */
  readonly repairUntil: EntryId | undefined;
  /** The one that is applied. */
  readonly configuration: Configuration;
  /** Leader only: to whom it gives its leadership, while it does. */
  readonly transferee: MemberId | undefined;
  /** Reads that wait for a round or for the leader's answer. */
  readonly pendingReads: number;
  /** Appends dropped because an entry in them did not match its chain hash. */
  readonly damagedAppends: number;
  /** Leader only: every other member. */
  readonly peers: readonly PeerStatus[];
}

export interface PeerStatus {
  readonly member: MemberId;
  readonly state: Progress["state"];
  readonly match: LogIndex;
  readonly next: LogIndex;
  /** Whether it must wait: for the answer to a probe, or for room in the window. */
  readonly paused: boolean;
  readonly inflight: number;
  /** Whether it has answered something that was sent within the last election timeout. */
  readonly active: boolean;
}
