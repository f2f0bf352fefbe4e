import type { Entry, EntryId, LogIndex, MemberId, SnapshotHead, Term } from "./types";

/**
 * What members say to each other. A union member carries only its own fields. `term` is the sender's term, except in
 * a pre-vote, where it is the term that the sender would campaign in, and in its grant, which echoes that.
 *
 * `round` numbers are made by the leader, rise within its term, and are echoed by answers. They say *when the question
 * was sent*: that is what check-quorum and ReadIndex count, never the time at which an answer arrived.
 */
export type Message =
  | {
      readonly kind: "pre-vote";
      readonly term: Term;
      readonly last: EntryId;
      readonly committed: CommittedHint;
    }
  | {
      readonly kind: "pre-vote-response";
      readonly term: Term;
      readonly granted: boolean;
      readonly committed: CommittedHint;
    }
  | { readonly kind: "vote"; readonly term: Term; readonly last: EntryId; readonly transfer: boolean }
  | { readonly kind: "vote-response"; readonly term: Term; readonly granted: boolean }
  | AppendMessage
  | AppendResponse
  | InstallSnapshotMessage
  | {
      readonly kind: "heartbeat";
      readonly term: Term;
      readonly round: number;
      /** min(leader's commit, what the receiver is known to hold). */
      readonly commit: LogIndex;
    }
  | {
      readonly kind: "heartbeat-response";
      readonly term: Term;
      readonly round: number;
      /** The sender's state is damaged: it can go on only from a snapshot, whatever its log holds. */
      readonly needsSnapshot: boolean;
    }
  /** The leader gives its leadership away: the receiver shall campaign at once (thesis §3.10). */
  | { readonly kind: "timeout-now"; readonly term: Term }
  | { readonly kind: "read-index"; readonly term: Term; readonly id: number }
  | {
      readonly kind: "read-index-response";
      readonly term: Term;
      readonly id: number;
      /** Absent: the asked member cannot answer (not the leader, or leadership was lost while it asked around). */
      readonly index: LogIndex | undefined;
    };

/**
 * The last entry that the sender knows to be committed; `undefined` from members of older versions. The receiver may hold it without
 * knowing that, and without having applied a change of the membership up to there. Such a member asks the wrong ones for votes,
 * and may refuse its own to one that asks the right ones.
 */
export type CommittedHint = EntryId | undefined;

export interface AppendMessage {
  readonly kind: "append";
  readonly term: Term;
  readonly round: number;
  /** The entry before the first of `entries`, and the chain hash at it. */
  readonly previous: EntryId;
  readonly previousChain: number;
  readonly entries: readonly Entry[];
  readonly commit: LogIndex;
}

export interface AppendResponse {
  readonly kind: "append-response";
  readonly term: Term;
  readonly round: number;
  readonly outcome:
    | { readonly kind: "accepted"; readonly match: LogIndex }
    /**
     * The receiver has no entry equal to `previous`. `hint` is the last entry of the receiver that could match: where
     * the leader should look next (see etcd-io/raft's rejection hint).
     */
    | { readonly kind: "rejected"; readonly previous: LogIndex; readonly hint: EntryId };
}

/**
 * Offers a snapshot to a follower that needs entries which its leader has removed. It holds no data: the receiver fetches
 * them by `transfer`, and acknowledges with an append response at the snapshot's index.
 */
export interface InstallSnapshotMessage {
  readonly kind: "install-snapshot";
  readonly term: Term;
  readonly round: number;
  /** Names this view of the sender's state; rises within a start of the sender. */
  readonly transfer: number;
  readonly snapshot: SnapshotHead;
}

/** A message and whom it is for. */
export interface Envelope {
  readonly to: MemberId;
  readonly message: Message;
}
