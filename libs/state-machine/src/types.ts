import type { LeaseCheckpoint, LeaseId } from "@quorate/lease";
import type {
  DeleteRangeRequest,
  DeleteRangeResponse,
  Event,
  HashRun,
  MvccColumn,
  MvccError,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeTooLargeError,
  RangeResponse,
  ReadView,
  Revision,
  TxnRequest,
  TxnResponse,
  WriteBatch,
} from "@quorate/mvcc";

import type { Membership, MembershipError, MembershipRequest } from "./membership/membership";

/** The columns of applied state. `meta` holds the applied position and the store's revisions, in the same batch. */
export type StateColumn = MvccColumn | "lease" | "meta";

/** All of them, for whoever opens the store. */
export const STATE_COLUMNS: readonly StateColumn[] = ["latest", "history", "event", "lease", "meta"];

/** What the log can hold. Each gets at most one revision of its own. */
export type Command =
  | { readonly kind: "put"; readonly request: PutRequest }
  | { readonly kind: "delete-range"; readonly request: DeleteRangeRequest }
  | { readonly kind: "txn"; readonly request: TxnRequest }
  | {
      readonly kind: "compact";
      readonly request: { readonly revision: Revision; readonly physical: boolean };
    }
  | { readonly kind: "lease-grant"; readonly request: LeaseGrantRequest }
  | { readonly kind: "lease-revoke"; readonly request: LeaseRevokeRequest }
  | { readonly kind: "lease-expire"; readonly request: LeaseExpireRequest }
  | { readonly kind: "lease-checkpoint"; readonly request: LeaseCheckpointRequest }
  /** In configuration entries only, alone. */
  | { readonly kind: "membership"; readonly request: MembershipRequest }
  | { readonly kind: "alarm"; readonly request: AlarmRequest };

/** "no-space": the quota is used up. "corrupt": a member's data are damaged, or its state differs from the others'. */
export type AlarmType = "no-space" | "corrupt";

/** That something is wrong with a member, or with the cluster as that member sees it. */
export interface Alarm {
  readonly type: AlarmType;
  /** 0 if it cannot be told which. */
  readonly memberId: bigint;
}

export interface AlarmRequest {
  readonly action: "activate" | "deactivate";
  /** Undefined for a type that is not known: nothing happens. */
  readonly type: AlarmType | undefined;
  readonly memberId: bigint;
}

export interface LeaseGrantRequest {
  /** Never 0 in the log: whoever proposes has drawn one. */
  readonly id: LeaseId;
  /** As it will be; raised to the cluster's minimum before it was proposed. */
  readonly ttlSeconds: number;
}

export interface LeaseRevokeRequest {
  readonly id: LeaseId;
}

/** A leader's finding that a lease has ended. Void if another leader's term has begun or the lease is another one. */
export interface LeaseExpireRequest {
  readonly id: LeaseId;
  /** Index of the entry that granted the lease which ended. */
  readonly sequence: number;
  /** The term of the leader who found it: its clock is the one that counted. */
  readonly term: number;
}

/** What is left of some leases, as one leader's clock says. Void in an entry of another term, like an expiry. */
export interface LeaseCheckpointRequest {
  readonly term: number;
  readonly checkpoints: readonly LeaseCheckpoint[];
}

/** A committed log entry as the state machine sees it. Entries without commands only move the applied index. */
export interface CommittedEntry {
  readonly index: number;
  readonly term: number;
  readonly commands: readonly Command[];
}

export type CommandResponse =
  | { readonly kind: "put"; readonly response: PutResponse }
  | { readonly kind: "delete-range"; readonly response: DeleteRangeResponse }
  | { readonly kind: "txn"; readonly response: TxnResponse }
  | { readonly kind: "compact"; readonly response: { readonly revision: Revision } }
  | { readonly kind: "lease-grant"; readonly response: LeaseGrantResponse }
  | { readonly kind: "lease-revoke"; readonly response: { readonly revision: Revision } }
  | { readonly kind: "lease-expire"; readonly response: LeaseExpireResponse }
  | { readonly kind: "lease-checkpoint"; readonly response: { readonly revision: Revision } }
  | { readonly kind: "membership"; readonly response: { readonly membership: Membership } }
  | { readonly kind: "alarm"; readonly response: AlarmsResponse };

export interface AlarmsResponse {
  readonly revision: Revision;
  /** Those that were asked for: of a command the one that it has activated, or found active, or deactivated, if any. */
  readonly alarms: readonly Alarm[];
}

export interface LeaseGrantResponse {
  readonly revision: Revision;
  readonly id: LeaseId;
  readonly ttlSeconds: number;
}

export interface LeaseExpireResponse {
  readonly revision: Revision;
  /** False if the entry was void. */
  readonly expired: boolean;
}

/** What an applied command did to a lease, for the leader's lessor. */
export type LeaseChange =
  | { readonly kind: "granted"; readonly id: LeaseId; readonly ttlSeconds: number; readonly sequence: number }
  | { readonly kind: "ended"; readonly id: LeaseId; readonly sequence: number }
  | ({ readonly kind: "checkpointed" } & LeaseCheckpoint);

export type LeaseError = { readonly code: "lease-exists" } | { readonly code: "lease-ttl-too-large" };

/** Why a command, or a read, changed and answered nothing. Part of the replicated outcome: the same on every member. */
export type StateError = MvccError | LeaseError | AlarmError | MembershipError;

/**
 * What an alarm refuses: "no-space" whatever may add data; "corrupt" whatever may change any, unless the members that it names
 * leave a majority of sound ones, who go on without them.
 */
export type AlarmError = { readonly code: "no-space" } | { readonly code: "corrupt-cluster" };

export type CommandOutcome =
  | { readonly ok: true; readonly response: CommandResponse }
  | { readonly ok: false; readonly error: StateError };

export interface ApplyResult {
  /** One list per entry, one outcome per command, in order. */
  readonly outcomes: readonly (readonly CommandOutcome[])[];
  /** Every change of the batch, ordered by (main, sub). */
  readonly events: readonly Event[];
  /** What happened to leases, in order. Attached keys are told by the events. */
  readonly leases: readonly LeaseChange[];
  /** The effect hash after each entry that was not applied before; the last is that of the new position. */
  readonly effectHashes: readonly number[];
  /** The membership afterwards, if an entry was about it. */
  readonly membership?: Membership;
}

/** The position that applied state stands at; stored in `meta` by the same batch as the changes. */
export interface AppliedPosition {
  readonly index: number;
  readonly term: number;
  readonly revision: Revision;
  /** Reads below it fail; -1 before the first compaction. */
  readonly compactRevision: Revision;
  /** Chained over the canonical effects of every entry: equal on all members at equal index. */
  readonly effectHash: number;
}

/** What is told of a store beside its content. */
export interface StoreCondition {
  /**
   * Bytes of all rows of data, keys and values: what a quota is held against. Of this member alone, because each cuts event
   * rows and compacts physically in its own way.
   */
  readonly storedBytes: number;
  /** Those that are active, by type and member; the same on every member at the same index. */
  readonly alarms: readonly Alarm[];
}

/**
 * A read outside the log: a range, a page of a longer range (whose `count` is not wanted, and 0), a transaction whose
 * branches hold only ranges, the list of leases, or the alarms.
 */
export type ReadCommand =
  | { readonly kind: "range"; readonly request: RangeRequest }
  | { readonly kind: "page"; readonly request: RangeRequest }
  /** As much of a range as the budget of the turn allows. */
  | { readonly kind: "slice"; readonly request: RangeRequest }
  | { readonly kind: "txn"; readonly request: TxnRequest }
  /** The ids of all leases, in the order of the entries that granted them. */
  | { readonly kind: "leases" }
  /** The active alarms, or those of one type. */
  | { readonly kind: "alarms"; readonly type: AlarmType | undefined };

export interface LeasesResponse {
  readonly revision: Revision;
  readonly ids: readonly LeaseId[];
}

export type ReadOutcome =
  /** `next`: where the rest begins, of a slice that is not the whole. */
  | {
      readonly ok: true;
      readonly kind: "range";
      readonly response: RangeResponse;
      readonly next?: Uint8Array;
    }
  | { readonly ok: true; readonly kind: "txn"; readonly response: TxnResponse }
  | { readonly ok: true; readonly kind: "leases"; readonly response: LeasesResponse }
  | { readonly ok: true; readonly kind: "alarms"; readonly response: AlarmsResponse }
  | { readonly ok: false; readonly error: StateError | RangeTooLargeError };

/** A hash that has begun, and what it is of. */
export type KeyValueHashStart =
  | {
      readonly ok: true;
      readonly run: HashRun;
      /** The last revision that it covers. */
      readonly upTo: Revision;
      /** Where the store stands. */
      readonly at: Pick<AppliedPosition, "revision" | "compactRevision">;
    }
  | { readonly ok: false; readonly error: StateError };

/** What the state machine reads: see `ReadView`. */
export type StateView = ReadView<StateColumn>;

export type StateBatch = WriteBatch<StateColumn>;
