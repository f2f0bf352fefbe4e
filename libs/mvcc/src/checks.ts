import { rangeContains } from "./key-range";
import type { MvccError } from "./errors";
import {
  NO_LEASE,
  type KeyRange,
  type LeaseId,
  type PutRequest,
  type RangeRequest,
  type Revision,
} from "./types";
import type { ReadView } from "./view";

/** What puts must know of leases. */
export interface LeaseTable {
  has(id: LeaseId): boolean;
}

/** Where a store stands: reads see `revision`, and may go back to `compactRevision`. */
export interface StoreRevisions {
  readonly revision: Revision;
  readonly compactRevision: Revision;
}

/** Whether a range outside a transaction can be answered; 0 and everything below mean the current revision. */
export function checkRange(request: RangeRequest, at: StoreRevisions): MvccError | undefined {
  return request.revision <= 0 ? undefined : checkRevision(request.revision, at);
}

/** Whether a range inside a transaction can be answered: there only 0 is always current, as in etcd. */
export function checkRangeOfTxn(request: RangeRequest, at: StoreRevisions): MvccError | undefined {
  return request.revision === 0 ? undefined : checkRevision(request.revision, at);
}

/** Whether a put outside a transaction can be done. */
export function checkPut(view: ReadView, request: PutRequest, leases: LeaseTable): MvccError | undefined {
  return checkLease(request, leases) ?? checkKept(view, request, []);
}

/**
 * Whether a put inside a transaction can be done. There etcd looks at the key before the lease.
 *
 * @param deletedBefore Ranges that the transaction deletes before the put: nothing is left there to be kept.
 */
export function checkPutOfTxn(
  view: ReadView,
  request: PutRequest,
  leases: LeaseTable,
  deletedBefore: readonly KeyRange[],
): MvccError | undefined {
  return checkKept(view, request, deletedBefore) ?? checkLease(request, leases);
}

function checkLease(request: PutRequest, leases: LeaseTable): MvccError | undefined {
  const exists = request.lease === NO_LEASE || request.ignoreLease || leases.has(request.lease);
  return exists ? undefined : { code: "lease-not-found" };
}

/** A put that keeps the value or the lease needs a key that has them. */
function checkKept(
  view: ReadView,
  request: PutRequest,
  deletedBefore: readonly KeyRange[],
): MvccError | undefined {
  if (!request.ignoreValue && !request.ignoreLease) return undefined;
  const exists = view.get("latest", request.key) !== undefined;
  const deleted = deletedBefore.some((range) => rangeContains(range, request.key));
  return exists && !deleted ? undefined : { code: "key-not-found" };
}

/** Whether the store can be hashed up to `revision`: nothing is to be hashed below 1, and etcd does not mind. */
export function checkHash(revision: Revision, at: StoreRevisions): MvccError | undefined {
  return revision <= 0 ? undefined : checkRevision(revision, at);
}

/** Whether the store may be compacted at `revision`: forwards only, and not into the future. */
export function checkCompact(revision: Revision, at: StoreRevisions): MvccError | undefined {
  if (revision <= at.compactRevision) return compacted(revision, at);
  return revision > at.revision ? future(revision, at) : undefined;
}

function checkRevision(requested: Revision, at: StoreRevisions): MvccError | undefined {
  if (requested > at.revision) return future(requested, at);
  return requested < at.compactRevision ? compacted(requested, at) : undefined;
}

function compacted(requested: Revision, at: StoreRevisions): MvccError {
  return { code: "compacted", requested, compacted: at.compactRevision };
}

function future(requested: Revision, at: StoreRevisions): MvccError {
  return { code: "future-revision", requested, current: at.revision };
}
