import { assertNever, binaryString } from "@quorate/base";
import { KeyIntervals } from "./key-intervals";
import { NO_LEASE } from "./types";
import type { DeleteRangeRequest, PutRequest, RangeRequest, RequestOp, TxnRequest } from "./types";

/** What is wrong with a request in itself, whatever the store holds. Never part of the log. */
export type RequestError = {
  readonly code:
    | "key-not-provided"
    | "value-provided"
    | "lease-provided"
    | "invalid-sort-option"
    | "too-many-operations"
    | "duplicate-key"
    /** An operation with nothing set; etcd words it as "key not found". */
    | "empty-operation";
};

export interface TxnLimits {
  /** Most compares, and most operations of either branch; a nested transaction gets what its parent leaves over. */
  readonly txnOpsMax: number;
}

export function validateRange(request: RangeRequest): RequestError | undefined {
  if (request.key.length === 0) return { code: "key-not-provided" };
  const unknown = request.sortOrder === "unknown" || request.sortTarget === "unknown";
  return unknown ? { code: "invalid-sort-option" } : undefined;
}

export function validatePut(request: PutRequest): RequestError | undefined {
  if (request.key.length === 0) return { code: "key-not-provided" };
  if (request.ignoreValue && request.value.length > 0) return { code: "value-provided" };
  return request.ignoreLease && request.lease !== NO_LEASE ? { code: "lease-provided" } : undefined;
}

export function validateDeleteRange(request: DeleteRangeRequest): RequestError | undefined {
  return request.key.length === 0 ? { code: "key-not-provided" } : undefined;
}

/** Checks both branches with everything nested, first each operation by itself, then the keys against each other. */
export function validateTxn(txn: TxnRequest, limits: TxnLimits): RequestError | undefined {
  const error = validateOperations(txn, limits.txnOpsMax);
  if (error !== undefined) return error;
  const duplicates = changesOf(txn.success) === undefined || changesOf(txn.failure) === undefined;
  return duplicates ? { code: "duplicate-key" } : undefined;
}

function validateOperations(txn: TxnRequest, operationsMax: number): RequestError | undefined {
  const operations = Math.max(txn.compare.length, txn.success.length, txn.failure.length);
  if (operations > operationsMax) return { code: "too-many-operations" };
  if (txn.compare.some((compare) => compare.key.length === 0)) return { code: "key-not-provided" };
  for (const branch of [txn.success, txn.failure]) {
    for (const op of branch) {
      const error = validateOperation(op, operationsMax - operations);
      if (error !== undefined) return error;
    }
  }
  return undefined;
}

function validateOperation(op: RequestOp, nestedMax: number): RequestError | undefined {
  switch (op.kind) {
    case "range":
      return validateRange(op.request);
    case "put":
      return validatePut(op.request);
    case "delete-range":
      return validateDeleteRange(op.request);
    case "txn":
      return validateOperations(op.request, nestedMax);
    case "none":
      return { code: "empty-operation" };
    default:
      return assertNever(op);
  }
}

interface Changes {
  readonly puts: Set<string>;
  readonly deletes: KeyIntervals;
}

/**
 * What a list of operations can put and delete, or `undefined` if a key could be put twice or be put and deleted.
 *
 * The order is etcd's, with its one gap: what a nested transaction deletes is held against later nested transactions
 * and against the list's own puts, not against what earlier nested transactions put.
 */
function changesOf(ops: readonly RequestOp[]): Changes | undefined {
  const puts = new Set<string>();
  const deletes = new KeyIntervals();
  for (const op of ops) if (op.kind === "delete-range") addDelete(deletes, op.request);
  for (const op of ops) if (op.kind === "txn" && !addNested(puts, deletes, op.request)) return undefined;
  for (const op of ops)
    if (op.kind === "put" && !addPut(puts, deletes, binaryString(op.request.key))) return undefined;
  return { puts, deletes };
}

/** False if either branch collides with itself or with what is there. The branches exclude each other and may share keys. */
function addNested(puts: Set<string>, deletes: KeyIntervals, txn: TxnRequest): boolean {
  const success = changesOf(txn.success);
  const failure = success === undefined ? undefined : changesOf(txn.failure);
  if (success === undefined || failure === undefined) return false;
  for (const key of success.puts) if (!addPut(puts, deletes, key)) return false;
  for (const key of failure.puts) if (!success.puts.has(key) && !addPut(puts, deletes, key)) return false;
  deletes.addAll(success.deletes);
  deletes.addAll(failure.deletes);
  return true;
}

function addPut(puts: Set<string>, deletes: KeyIntervals, key: string): boolean {
  if (puts.has(key) || deletes.has(key)) return false;
  puts.add(key);
  return true;
}

/**
 * The end counts literally, as in etcd: one zero byte, which means "to the end" when it runs, makes an empty interval
 * here. So such a delete may stand beside a put of a key in its range; they run in order.
 */
function addDelete(deletes: KeyIntervals, { key, rangeEnd }: DeleteRangeRequest): void {
  if (rangeEnd === undefined || rangeEnd.length === 0) deletes.addPoint(binaryString(key));
  else deletes.add(binaryString(key), binaryString(rangeEnd));
}
