import { EMPTY_BYTES } from "@quorate/base";
import {
  NO_LEASE,
  type Compare,
  type CompareTarget,
  type DeleteRangeRequest,
  type LeaseId,
  type PutRequest,
  type RangeRequest,
  type RequestOp,
  type Revision,
  type SortOrder,
  type SortTarget,
  type TxnRequest,
} from "@quorate/mvcc";
import type { LeaseGrantRequest, LeaseRevokeRequest } from "@quorate/state-machine";
import { DecodeError } from "./errors";
import { saturatingNumber, signedId, wireId, type WireInt64 } from "./int64";
import { decodeMessage, etcdserverpb } from "./protocol";

// etcd's KV requests as the core knows them. Byte fields of every result are views into the bytes that were decoded.

/** @throws {DecodeError} */
export function decodeRangeRequest(bytes: Uint8Array): RangeRequest {
  return rangeRequest(decodeMessage("RangeRequest", etcdserverpb.RangeRequest, bytes));
}

/** @throws {DecodeError} */
export function decodePutRequest(bytes: Uint8Array): PutRequest {
  return putRequest(decodeMessage("PutRequest", etcdserverpb.PutRequest, bytes));
}

/** @throws {DecodeError} */
export function decodeDeleteRangeRequest(bytes: Uint8Array): DeleteRangeRequest {
  return deleteRangeRequest(decodeMessage("DeleteRangeRequest", etcdserverpb.DeleteRangeRequest, bytes));
}

/** @throws {DecodeError} also for a comparison of a kind that is not known. */
export function decodeTxnRequest(bytes: Uint8Array): TxnRequest {
  return txnRequest(decodeMessage("TxnRequest", etcdserverpb.TxnRequest, bytes));
}

/** What etcd's CompactionRequest asks for. */
export interface CompactRequest {
  readonly revision: Revision;
  /** Answer only once the space was given back. */
  readonly physical: boolean;
}

/** @throws {DecodeError} */
export function decodeCompactRequest(bytes: Uint8Array): CompactRequest {
  const message = decodeMessage("CompactionRequest", etcdserverpb.CompactionRequest, bytes);
  return { revision: revisionOf(message.revision), physical: message.physical ?? false };
}

/** @returns the revision up to which is hashed; 0: the current one. @throws {DecodeError} */
export function decodeHashKvRequest(bytes: Uint8Array): Revision {
  return revisionOf(decodeMessage("HashKVRequest", etcdserverpb.HashKVRequest, bytes).revision);
}

/** @throws {DecodeError} */
export function decodeLeaseGrantRequest(bytes: Uint8Array): LeaseGrantRequest {
  const message = decodeMessage("LeaseGrantRequest", etcdserverpb.LeaseGrantRequest, bytes);
  return { id: leaseOf(message.ID), ttlSeconds: saturatingNumber(message.TTL ?? 0) };
}

export function encodeLeaseGrantRequest({ id, ttlSeconds }: LeaseGrantRequest): Uint8Array {
  return etcdserverpb.LeaseGrantRequest.encode({ ID: wireId(id), TTL: ttlSeconds }).finish();
}

/** @throws {DecodeError} */
export function decodeLeaseRevokeRequest(bytes: Uint8Array): LeaseRevokeRequest {
  return { id: leaseOf(decodeMessage("LeaseRevokeRequest", etcdserverpb.LeaseRevokeRequest, bytes).ID) };
}

/** @throws {DecodeError} */
export function decodeLeaseKeepAliveRequest(bytes: Uint8Array): LeaseId {
  return leaseOf(decodeMessage("LeaseKeepAliveRequest", etcdserverpb.LeaseKeepAliveRequest, bytes).ID);
}

/** @throws {DecodeError} */
export function decodeLeaseTimeToLiveRequest(bytes: Uint8Array): {
  readonly id: LeaseId;
  /** Whether the attached keys are wanted. */
  readonly keys: boolean;
} {
  const message = decodeMessage("LeaseTimeToLiveRequest", etcdserverpb.LeaseTimeToLiveRequest, bytes);
  return { id: leaseOf(message.ID), keys: message.keys ?? false };
}

function rangeRequest(message: etcdserverpb.RangeRequest.$Properties): RangeRequest {
  return {
    key: message.key ?? EMPTY_BYTES,
    rangeEnd: message.rangeEnd ?? undefined,
    limit: saturatingNumber(message.limit ?? 0),
    revision: revisionOf(message.revision),
    sortOrder: SORT_ORDERS[message.sortOrder ?? 0] ?? "unknown",
    sortTarget: SORT_TARGETS[message.sortTarget ?? 0] ?? "unknown",
    serializable: message.serializable ?? false,
    keysOnly: message.keysOnly ?? false,
    countOnly: message.countOnly ?? false,
    minModRevision: revisionOf(message.minModRevision),
    maxModRevision: revisionOf(message.maxModRevision),
    minCreateRevision: revisionOf(message.minCreateRevision),
    maxCreateRevision: revisionOf(message.maxCreateRevision),
  };
}

function putRequest(message: etcdserverpb.PutRequest.$Properties): PutRequest {
  return {
    key: message.key ?? EMPTY_BYTES,
    value: message.value ?? EMPTY_BYTES,
    lease: leaseOf(message.lease),
    prevKv: message.prevKv ?? false,
    ignoreValue: message.ignoreValue ?? false,
    ignoreLease: message.ignoreLease ?? false,
  };
}

function deleteRangeRequest(message: etcdserverpb.DeleteRangeRequest.$Properties): DeleteRangeRequest {
  return {
    key: message.key ?? EMPTY_BYTES,
    rangeEnd: message.rangeEnd ?? undefined,
    prevKv: message.prevKv ?? false,
  };
}

function txnRequest(message: etcdserverpb.TxnRequest.$Properties): TxnRequest {
  return {
    compare: (message.compare ?? []).map(compareOf),
    success: (message.success ?? []).map(requestOp),
    failure: (message.failure ?? []).map(requestOp),
  };
}

function requestOp(message: etcdserverpb.RequestOp.$Properties): RequestOp {
  if (message.requestRange) return { kind: "range", request: rangeRequest(message.requestRange) };
  if (message.requestPut) return { kind: "put", request: putRequest(message.requestPut) };
  if (message.requestDeleteRange) {
    return { kind: "delete-range", request: deleteRangeRequest(message.requestDeleteRange) };
  }
  if (message.requestTxn) return { kind: "txn", request: txnRequest(message.requestTxn) };
  return { kind: "none" };
}

function compareOf(message: etcdserverpb.Compare.$Properties): Compare {
  const result = COMPARE_RESULTS[message.result ?? 0];
  // etcd takes any number here and then finds that the condition holds. No client sends one, so it is refused instead.
  if (result === undefined) throw new DecodeError("Compare", `result ${message.result} is not known`);
  return {
    key: message.key ?? EMPTY_BYTES,
    rangeEnd: message.rangeEnd ?? undefined,
    result,
    target: compareTarget(message),
  };
}

/** A value of another kind than the target is not looked at: it counts as 0, or as no bytes. */
function compareTarget(message: etcdserverpb.Compare.$Properties): CompareTarget {
  const { CompareTarget: Target } = etcdserverpb.Compare;
  switch (message.target ?? Target.VERSION) {
    case Target.VERSION:
      return { kind: "version", operand: saturatingNumber(message.version ?? 0) };
    case Target.CREATE:
      return { kind: "create", operand: saturatingNumber(message.createRevision ?? 0) };
    case Target.MOD:
      return { kind: "mod", operand: saturatingNumber(message.modRevision ?? 0) };
    case Target.VALUE:
      return { kind: "value", operand: message.value ?? EMPTY_BYTES };
    case Target.LEASE:
      return { kind: "lease", operand: leaseOf(message.lease) };
    default:
      throw new DecodeError("Compare", `target ${message.target} is not known`);
  }
}

const SORT_ORDERS: readonly SortOrder[] = ["none", "ascend", "descend"];
const SORT_TARGETS: readonly SortTarget[] = ["key", "version", "create", "mod", "value"];
const COMPARE_RESULTS: readonly Compare["result"][] = ["equal", "greater", "less", "not-equal"];

function revisionOf(value: WireInt64 | null | undefined): Revision {
  return saturatingNumber(value ?? 0) as Revision;
}

function leaseOf(value: WireInt64 | null | undefined): LeaseId {
  return value == null ? NO_LEASE : (signedId(value) as LeaseId);
}
