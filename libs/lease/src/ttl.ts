/** A longer TTL is refused (etcd: server/lease/lessor.go): about 285 years. */
export const LEASE_TTL_SECONDS_MAX = 9_000_000_000;

/**
 * The shortest TTL that a cluster grants: a lease must outlive the election of a leader who could renew it. A constant of
 * the cluster, computed where a grant is proposed; applying a grant takes the TTL as it stands in the log.
 *
 * @param electionTimeoutMs The minimum election timeout of the members.
 * @returns whole seconds; 2 for etcd's default of 1000 ms, as there.
 */
export function leaseTtlSecondsMin(electionTimeoutMs: number): number {
  return Math.ceil((1.5 * electionTimeoutMs) / 1000);
}
