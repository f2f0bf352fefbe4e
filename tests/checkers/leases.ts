import type { Change } from "./history";
import { violated } from "./violation";

/** A lease as its holder saw it. */
export interface HeldLease {
  /** Hexadecimal. */
  readonly id: string;
  readonly ttlMs: number;
  /** When each acknowledged grant and renewal was asked for: it begins the TTL no earlier. */
  readonly acknowledged: number[];
  /** Acknowledged or not; no other lease has them, and nothing but the end of this one deletes them. */
  readonly keys: string[];
  /** From here on it may be gone by its holder's own will; Infinity: never. */
  revokedAt: number;
}

/** What the leases of a run came to. */
export interface LeaseFacts {
  /** Leases with keys that ended because their time was over. */
  readonly expired: number;
  readonly renewals: number;
}

/**
 * Checks what was promised about leases:
 *
 * - the keys of a lease are deleted at one revision, all of them, and none is left in the end;
 * - not before the TTL had passed since every grant and renewal that was acknowledged, unless the holder revoked it.
 *
 * @param log All changes; when it was taken every lease had ended.
 * @param appliedAt When a revision was first seen anywhere. Later than it happened hides an early end, and accuses nobody.
 * @throws {HistoryViolation}
 */
export function checkLeases(
  leases: readonly HeldLease[],
  log: readonly Change[],
  appliedAt: (revision: number) => number,
): LeaseFacts {
  const changes = Map.groupBy(log, ({ key }) => key);
  let expired = 0;
  for (const lease of leases) {
    const { id, ttlMs, acknowledged, revokedAt } = lease;
    const facts = { id, ttlMs, acknowledged, revokedAt };
    const ofLease = lease.keys.flatMap((key) => changes.get(key) ?? []);
    const ends = new Set(ofLease.filter(({ value }) => value === undefined).map(({ revision }) => revision));
    const living = lease.keys.filter((key) => changes.get(key)?.at(-1)?.value !== undefined);
    if (living.length > 0) violated("keys outlived their lease for good", { ...facts, living });
    if (ends.size > 1) violated("a lease ended at more than one revision", { ...facts, ends: [...ends] });
    for (const revision of ends) {
      const at = appliedAt(revision);
      if (revokedAt <= at) continue;
      expired += 1;
      for (const since of acknowledged) {
        if (at < since + ttlMs)
          violated("keys vanished before their time", { ...facts, revision, at, since });
      }
    }
  }
  const renewals = leases.reduce((sum, { acknowledged }) => sum + Math.max(0, acknowledged.length - 1), 0);
  return { expired, renewals };
}
