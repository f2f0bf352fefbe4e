import type { Envelope } from "./message";
import type {
  Configuration,
  Entry,
  EntryId,
  HardState,
  LogIndex,
  MemberId,
  Role,
  SnapshotHead,
  Term,
} from "./types";

/**
 * What the shell must do, in the order given. Effects gather over the inputs of one turn and are taken together, so that a
 * burst of proposals becomes one `persist` and one append per follower. Effects never wait for each other: the core itself holds back a message
 * that may leave only after a sync (an append acknowledgement, a vote, thesis §3.8) and emits it as `send` once the shell
 * reports `persisted`. So no shell can get that rule wrong.
 */
export type RaftEffect =
  | { readonly kind: "send"; readonly envelopes: readonly Envelope[] }
  /**
   * Make durable with one sync, in this order: begin the log anew (`restart`), drop it from `truncateFrom` on, append
   * `entries`, store `hardState`.
   * Ids rise by one; several may be outstanding and may share a sync; they complete in order.
   */
  | {
      readonly kind: "persist";
      readonly id: number;
      readonly restart: LogRestart | undefined;
      readonly truncateFrom: LogIndex | undefined;
      readonly entries: readonly Entry[];
      readonly hardState: HardState | undefined;
    }
  /** Committed and locally durable entries, gap-free after those of the last `apply`; report `applied` when done. */
  | { readonly kind: "apply"; readonly entries: readonly Entry[] }
  /** Read entries back from the log store: from `from` on, at most `bytesMax` bytes (one entry at least). */
  | { readonly kind: "fetch"; readonly from: LogIndex; readonly to: LogIndex; readonly bytesMax: number }
  /**
   * Remove the log up to `upTo` in steps, and record with each where the log begins; report `compacted`. `configuration` is
   * the membership as of what is applied, which is not below.
   */
  | { readonly kind: "compact"; readonly upTo: LogIndex; readonly configuration: Configuration }
  /** Hold a view of the applied state for `to`, under the name `transfer`; one for each receiver. */
  | { readonly kind: "open-snapshot"; readonly to: MemberId; readonly transfer: number }
  /** Let go of that view. */
  | { readonly kind: "close-snapshot"; readonly to: MemberId; readonly transfer: number }
  /** Fetch the state that `from` holds under `transfer`, and stage it. Takes the place of an earlier fetch. */
  | {
      readonly kind: "fetch-snapshot";
      readonly from: MemberId;
      readonly transfer: number;
      readonly snapshot: SnapshotHead;
    }
  /** Neither fetched nor staged any longer. */
  | { readonly kind: "discard-snapshot"; readonly transfer: number }
  /** Put what was staged in place of the applied state. The log begins behind it, durably: this is never taken back. */
  | { readonly kind: "install-snapshot"; readonly transfer: number; readonly index: LogIndex }
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
  /**
   * The leader knows that this member has acknowledged more than its log holds: repair mode begins while it runs. To be kept
   * over a restart, as what `repairUntil` begins with.
   */
  | { readonly kind: "loss-noticed"; readonly lost: EntryId }
  /** The log is as complete again as it was before entries of it were lost; durably. */
  | { readonly kind: "repaired"; readonly last: EntryId }
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
  /** The target needs a snapshot first, whatever its log holds. */
  | "not-caught-up"
  /** Another transfer is under way. */
  | "transferring"
  /** The target did not take over within an election timeout; the leader leads on. */
  | "timed-out"
  /** Somebody else was elected meanwhile. */
  | "another-leader";

/** Where the log begins after a snapshot. */
export interface LogRestart {
  readonly snapshot: SnapshotHead;
  /** Entries behind it stay: the log holds its last entry and agrees with it. Otherwise all entries go. */
  readonly keepsEntries: boolean;
}

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
