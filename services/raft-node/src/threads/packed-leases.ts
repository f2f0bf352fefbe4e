import type { LeaseId, LeaseRecord } from "@quorate/lease";

/** Leases as flat arrays that move between threads: hundreds of thousands of objects would be cloned one by one. */
export interface PackedLeases {
  readonly ids: BigInt64Array<ArrayBuffer>;
  /** TTL, sequence and noted rest of each lease. */
  readonly numbers: Float64Array<ArrayBuffer>;
}

const NUMBERS = 3;

export function packLeases(leases: readonly LeaseRecord[]): PackedLeases {
  const ids = new BigInt64Array(leases.length);
  const numbers = new Float64Array(leases.length * NUMBERS);
  for (const [at, { id, ttlSeconds, sequence, remainingSeconds }] of leases.entries()) {
    ids[at] = id;
    numbers.set([ttlSeconds, sequence, remainingSeconds], at * NUMBERS);
  }
  return { ids, numbers };
}

export function unpackLeases({ ids, numbers }: PackedLeases): LeaseRecord[] {
  return Array.from(ids, (id, at) => ({
    id: id as LeaseId,
    ttlSeconds: numbers[at * NUMBERS]!,
    sequence: numbers[at * NUMBERS + 1]!,
    remainingSeconds: numbers[at * NUMBERS + 2]!,
  }));
}
