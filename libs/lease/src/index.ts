export { readLease, writeLease } from "./lease-bytes";
export { Lessor, LESSOR_DEFAULTS, type LeaseView, type LessorOptions } from "./lessor";
export { LEASE_TTL_SECONDS_MAX, leaseTtlSecondsMin } from "./ttl";
export * from "./types";
