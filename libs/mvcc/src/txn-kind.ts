import type { RequestOp, TxnRequest } from "./types";

/** True if neither branch can change anything: only ranges, no nested transaction. It never goes through the log. */
export function isReadOnlyTxn(txn: TxnRequest): boolean {
  return txn.success.every(isRange) && txn.failure.every(isRange);
}

/**
 * True if a read-only transaction may answer from one member's state without asking a quorum: all its ranges allow it.
 * One without any operation is such a transaction too, as in etcd, so its compares may see a stale state.
 */
export function isSerializableTxn(txn: TxnRequest): boolean {
  return txn.success.every(isSerializableRange) && txn.failure.every(isSerializableRange);
}

/** True if either branch, or a transaction nested in one, holds a put. */
export function mayPut(txn: TxnRequest): boolean {
  return txn.success.some(isPutting) || txn.failure.some(isPutting);
}

function isPutting(op: RequestOp): boolean {
  return op.kind === "put" || (op.kind === "txn" && mayPut(op.request));
}

function isRange(op: RequestOp): boolean {
  return op.kind === "range";
}

function isSerializableRange(op: RequestOp): boolean {
  return op.kind === "range" && op.request.serializable;
}
