import { binaryString } from "@quorate/base";
import type { Event } from "@quorate/mvcc";
import { HistoryViolation } from "./history";
import type { HeldLease } from "./lease-holder";

/** What the leases of a run came to. */
export interface LeaseFacts {
  /** Leases with keys that ended because their time was over. */
  readonly expired: number;
  readonly renewals: number;
}

/**
 * Checks what was promised about leases, where `events` are all changes that a member holds at the end, and
 * `appliedAt(revision)` is when the first member came to a revision:
 *
 * - the keys of a lease are deleted at one revision, all of them, and none is left in the end;
 * - not before the TTL had passed since every grant and renewal that was acknowledged, unless the holder revoked it.
 *
 * Only the ends of leases delete these keys.
 */
export function checkLeases(
  leases: readonly HeldLease[],
  events: readonly Event[],
  appliedAt: (revision: number) => number,
): LeaseFacts {
  const changes = new Map<string, Event[]>();
  for (const event of events) {
    const key = binaryString(event.kv.key);
    changes.set(key, [...(changes.get(key) ?? []), event]);
  }
  let expired = 0;
  for (const lease of leases) {
    const ofLease = lease.keys.flatMap((key) => changes.get(key) ?? []);
    const ends = new Set(ofLease.filter(({ kind }) => kind === "delete").map(({ main }) => main));
    const living = lease.keys.filter((key) => changes.get(key)?.at(-1)?.kind === "put");
    if (living.length > 0) fail("keys outlived their lease for good", lease, { living });
    if (ends.size > 1) fail("a lease ended at more than one revision", lease, { ends: [...ends] });
    for (const revision of ends) {
      const at = appliedAt(revision);
      if (lease.revokedAt <= at) continue;
      expired += 1;
      for (const since of lease.acknowledged) {
        if (at < since + lease.ttlMs) fail("keys vanished before their time", lease, { revision, at, since });
      }
    }
  }
  const renewals = leases.reduce((sum, { acknowledged }) => sum + Math.max(0, acknowledged.length - 1), 0);
  return { expired, renewals };
}

function fail(what: string, { id, ttlMs, acknowledged, revokedAt }: HeldLease, facts: object): never {
  const lease = { id: id.toString(), ttlMs, acknowledged, revokedAt };
  throw new HistoryViolation(`${what}: ${JSON.stringify({ ...lease, ...facts })}`);
}
