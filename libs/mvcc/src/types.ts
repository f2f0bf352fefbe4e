import type { Brand } from "@quorate/base";
import type { LeaseId } from "@quorate/lease";

/** Place of a change in the total order. A fresh store is at 1; the first write gets 2. At most 2^53-1. */
export type Revision = Brand<number, "Revision">;

export { NO_LEASE, type LeaseId } from "@quorate/lease";

export interface KeyValue {
  readonly key: Uint8Array;
  readonly createRevision: Revision;
  readonly modRevision: Revision;
  /** 1 at creation, one more with each put; a delete ends the generation. */
  readonly version: number;
  readonly value: Uint8Array;
  readonly lease: LeaseId;
}

/** One change, as watchers see it. `sub` orders the changes of one main revision, from 0. */
export interface Event {
  readonly kind: "put" | "delete";
  readonly main: Revision;
  readonly sub: number;
  /** For a delete only `key` and `modRevision` mean something; everything else is zero or empty. */
  readonly kv: KeyValue;
  /** The state of the key right before this main revision, 0 if it did not exist: where `prev_kv` is found. */
  readonly supersededRevision: Revision;
  /**
   * Size of the `history` row, key and value, that this change made of the superseded version: what compaction gives back.
   * 0 if it made none, because there was none or an earlier change of this main revision did; or if the store is older.
   */
  readonly historyBytes: number;
}

/**
 * Which keys. `undefined` end: exactly `key`. An end of one zero byte or of no bytes: everything from `key` on. Else
 * key <= k < end; empty if end <= key.
 */
export interface KeyRange {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array | undefined;
}

/** "unknown" stands for an enum number that the API does not name: validation refuses it. */
export type SortOrder = "none" | "ascend" | "descend" | "unknown";
export type SortTarget = "key" | "version" | "create" | "mod" | "value" | "unknown";

export interface RangeRequest extends KeyRange {
  /** 0 or negative: no limit. */
  readonly limit: number;
  /** 0 or negative: the current one. */
  readonly revision: Revision;
  readonly sortOrder: SortOrder;
  readonly sortTarget: SortTarget;
  readonly serializable: boolean;
  readonly keysOnly: boolean;
  readonly countOnly: boolean;
  /** Inclusive bounds; 0 means unset. */
  readonly minModRevision: Revision;
  readonly maxModRevision: Revision;
  readonly minCreateRevision: Revision;
  readonly maxCreateRevision: Revision;
}

export interface PutRequest {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly lease: LeaseId;
  readonly prevKv: boolean;
  readonly ignoreValue: boolean;
  readonly ignoreLease: boolean;
}

export interface DeleteRangeRequest extends KeyRange {
  readonly prevKv: boolean;
}

/** What is compared and with what; a target of another kind than the wire's union counts as 0 or empty there. */
export type CompareTarget =
  | { readonly kind: "version" | "create" | "mod"; readonly operand: number }
  | { readonly kind: "lease"; readonly operand: LeaseId }
  | { readonly kind: "value"; readonly operand: Uint8Array };

export interface Compare extends KeyRange {
  readonly result: "equal" | "greater" | "less" | "not-equal";
  readonly target: CompareTarget;
}

export type RequestOp =
  | { readonly kind: "range"; readonly request: RangeRequest }
  | { readonly kind: "put"; readonly request: PutRequest }
  | { readonly kind: "delete-range"; readonly request: DeleteRangeRequest }
  | { readonly kind: "txn"; readonly request: TxnRequest }
  /** An operation in which no request is set: validation refuses it. */
  | { readonly kind: "none" };

export interface TxnRequest {
  readonly compare: readonly Compare[];
  readonly success: readonly RequestOp[];
  readonly failure: readonly RequestOp[];
}

/** `revision` in each response is what its header says: see the response header table of the etcd API. */
export interface RangeResponse {
  readonly revision: Revision;
  readonly kvs: readonly KeyValue[];
  readonly more: boolean;
  readonly count: number;
}

export interface PutResponse {
  readonly revision: Revision;
  readonly prevKv: KeyValue | undefined;
}

export interface DeleteRangeResponse {
  readonly revision: Revision;
  readonly deleted: number;
  /** In key order; empty unless asked for. */
  readonly prevKvs: readonly KeyValue[];
}

export type ResponseOp =
  | { readonly kind: "range"; readonly response: RangeResponse }
  | { readonly kind: "put"; readonly response: PutResponse }
  | { readonly kind: "delete-range"; readonly response: DeleteRangeResponse }
  | { readonly kind: "txn"; readonly response: TxnResponse };

export interface TxnResponse {
  readonly revision: Revision;
  readonly succeeded: boolean;
  readonly responses: readonly ResponseOp[];
}
