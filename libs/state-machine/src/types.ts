import type {
  DeleteRangeRequest,
  DeleteRangeResponse,
  Event,
  MvccColumn,
  MvccError,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  ReadView,
  Revision,
  TxnRequest,
  TxnResponse,
  WriteBatch,
} from "@quorate/mvcc";

/** The columns of applied state. `meta` holds the applied position and the store's revisions, in the same batch. */
export type StateColumn = MvccColumn | "meta";

/** All of them, for whoever opens the store. */
export const STATE_COLUMNS: readonly StateColumn[] = ["latest", "history", "event", "meta"];

/** What the log can hold. Each gets at most one revision of its own. */
export type Command =
  | { readonly kind: "put"; readonly request: PutRequest }
  | { readonly kind: "delete-range"; readonly request: DeleteRangeRequest }
  | { readonly kind: "txn"; readonly request: TxnRequest }
  | {
      readonly kind: "compact";
      readonly request: { readonly revision: Revision; readonly physical: boolean };
    };

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
  | { readonly kind: "compact"; readonly response: { readonly revision: Revision } };

/** Why a command, or a read, changed and answered nothing. Part of the replicated outcome: the same on every member. */
export type StateError = MvccError;

export type CommandOutcome =
  | { readonly ok: true; readonly response: CommandResponse }
  | { readonly ok: false; readonly error: StateError };

export interface ApplyResult {
  /** One list per entry, one outcome per command, in order. */
  readonly outcomes: readonly (readonly CommandOutcome[])[];
  /** Every change of the batch, ordered by (main, sub). */
  readonly events: readonly Event[];
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

/**
 * A read outside the log: a range, a page of a longer range (whose `count` is not wanted, and 0), or a transaction whose
 * branches hold only ranges.
 */
export type ReadCommand =
  | { readonly kind: "range" | "page"; readonly request: RangeRequest }
  | { readonly kind: "txn"; readonly request: TxnRequest };

export type ReadOutcome =
  | { readonly ok: true; readonly kind: "range"; readonly response: RangeResponse }
  | { readonly ok: true; readonly kind: "txn"; readonly response: TxnResponse }
  | { readonly ok: false; readonly error: StateError };

/** What the state machine reads: see `ReadView`. */
export type StateView = ReadView<StateColumn>;

export type StateBatch = WriteBatch<StateColumn>;
