import type { Envelope } from "./message";
import type { Entry, HardState, LogIndex, MemberId, Role, Term } from "./types";

/**
 * What the shell must do, in the order given. Effects gather over the inputs of one turn and are taken together, so that a
 * burst of proposals becomes one `persist` and one append per follower. Effects never wait for each other: the core itself holds back a message
 * that may leave only after a sync (an append acknowledgement, a vote, thesis §3.8) and emits it as `send` once the shell
 * reports `persisted`. So no shell can get that rule wrong.
 */
export type RaftEffect =
  | { readonly kind: "send"; readonly envelopes: readonly Envelope[] }
  /**
   * Make durable with one sync, in this order: drop the log from `truncateFrom` on, append `entries`, store `hardState`.
   * Ids rise by one; several may be outstanding and may share a sync; they complete in order.
   */
  | {
      readonly kind: "persist";
      readonly id: number;
      readonly truncateFrom: LogIndex | undefined;
      readonly entries: readonly Entry[];
      readonly hardState: HardState | undefined;
    }
  /** Committed and locally durable entries, gap-free after those of the last `apply`; report `applied` when done. */
  | { readonly kind: "apply"; readonly entries: readonly Entry[] }
  /** Read entries back from the log store: from `from` on, at most `bytesMax` bytes (one entry at least). */
  | { readonly kind: "fetch"; readonly from: LogIndex; readonly to: LogIndex; readonly bytesMax: number }
  | { readonly kind: "proposed"; readonly id: number; readonly index: LogIndex; readonly term: Term }
  /** Definite: the command is in nobody's log. */
  | { readonly kind: "proposal-refused"; readonly id: number; readonly reason: RefusalReason }
  /** A read is linearizable once everything up to `index` is applied. */
  | { readonly kind: "read-ready"; readonly ids: readonly number[]; readonly index: LogIndex }
  /** The read may be asked again at any time; it changes nothing. */
  | {
      readonly kind: "read-failed";
      readonly ids: readonly number[];
      readonly reason: "no-leader" | "leader-changed" | "overloaded";
    }
  | {
      readonly kind: "leadership";
      readonly role: Role;
      readonly term: Term;
      readonly leader: MemberId | undefined;
      /** Leader only: an entry of its own term is committed, so reads and expiries may begin. */
      readonly established: boolean;
    }
  /** The answer to `transfer-leadership`. */
  | { readonly kind: "transfer-ended"; readonly id: number; readonly outcome: TransferOutcome };

/** Only "done" means that the target leads. Nothing of it changes what is in the log. */
export type TransferOutcome =
  | "done"
  /** Not the leader. */
  | "not-leader"
  /** No entry of the leader's own term is committed yet. */
  | "not-established"
  /** The target is no voter: it is a learner, or not known. */
  | "not-a-voter"
  /** Another transfer is under way. */
  | "transferring"
  /** The target did not take over within an election timeout; the leader leads on. */
  | "timed-out"
  /** Somebody else was elected meanwhile. */
  | "another-leader";

export type RefusalReason =
  | "not-leader"
  /** The leader's term is not the expected one. */
  | "wrong-term"
  /** The uncommitted tail is at its limit. */
  | "overloaded"
  /** The leadership is being given away. */
  | "transferring"
  /** Configuration changes only: no entry of the leader's own term is committed yet. */
  | "not-established"
  /** Configuration changes only: another one is not applied yet, or half done. */
  | "configuration-pending";
