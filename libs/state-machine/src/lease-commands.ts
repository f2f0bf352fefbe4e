import { LEASE_TTL_SECONDS_MAX, NO_LEASE, type LeaseRecord } from "@quorate/lease";
import type { WriteSession } from "@quorate/mvcc";
import type { LeaseSession } from "./lease-session";
import type {
  CommandOutcome,
  CommittedEntry,
  LeaseCheckpointRequest,
  LeaseExpireRequest,
  LeaseGrantRequest,
  LeaseRevokeRequest,
} from "./types";

/** What a lease command runs on, inside one revision of `session`. */
export interface LeaseStore {
  readonly session: WriteSession;
  readonly leases: LeaseSession;
  readonly entry: CommittedEntry;
}

/** The order of the checks is etcd's, so that a grant with two faults is told the same. */
export function grantLease(
  { session, leases, entry }: LeaseStore,
  request: LeaseGrantRequest,
): CommandOutcome {
  const { id } = request;
  if (id === NO_LEASE) return { ok: false, error: { code: "lease-not-found" } };
  if (request.ttlSeconds > LEASE_TTL_SECONDS_MAX)
    return { ok: false, error: { code: "lease-ttl-too-large" } };
  if (leases.has(id)) return { ok: false, error: { code: "lease-exists" } };
  const ttlSeconds = Math.max(1, request.ttlSeconds);
  leases.grant(id, ttlSeconds, entry.index);
  const { revision } = session;
  return { ok: true, response: { kind: "lease-grant", response: { revision, id, ttlSeconds } } };
}

export function revokeLease(store: LeaseStore, { id }: LeaseRevokeRequest): CommandOutcome {
  const record = store.leases.find(id);
  if (record === undefined) return { ok: false, error: { code: "lease-not-found" } };
  endLease(store, record);
  const revision = store.session.visibleRevision;
  return { ok: true, response: { kind: "lease-revoke", response: { revision } } };
}

/**
 * Ends a lease whose time is over, if the leader who says so led when the entry was made, and means this lease: an entry
 * that another leader, or an earlier lease of that id, has left behind does nothing.
 */
export function expireLease(store: LeaseStore, { id, sequence, term }: LeaseExpireRequest): CommandOutcome {
  const record = store.leases.find(id);
  const expired = term === store.entry.term && record?.sequence === sequence;
  if (expired) endLease(store, record);
  const revision = store.session.visibleRevision;
  return { ok: true, response: { kind: "lease-expire", response: { revision, expired } } };
}

export function checkpointLeases(
  { session, leases, entry }: LeaseStore,
  { term, checkpoints }: LeaseCheckpointRequest,
): CommandOutcome {
  for (const { id, sequence, remainingSeconds } of term === entry.term ? checkpoints : []) {
    const record = leases.find(id);
    if (record?.sequence === sequence) leases.checkpoint(record, remainingSeconds);
  }
  return { ok: true, response: { kind: "lease-checkpoint", response: { revision: session.revision } } };
}

/** Deletes the attached keys in the order of their bytes, all at one revision, and none is used up if there are none. */
function endLease({ session, leases }: LeaseStore, record: LeaseRecord): void {
  const keys = leases.keysOf(record.id);
  session.prefetch(keys);
  for (const key of keys) session.deleteRange({ key, rangeEnd: undefined, prevKv: false });
  leases.end(record);
}
