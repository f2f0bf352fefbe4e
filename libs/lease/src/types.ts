import type { Brand } from "@quorate/base";

/** Signed 64-bit lease identity; 0 is "no lease". */
export type LeaseId = Brand<bigint, "LeaseId">;

export const NO_LEASE = 0n as LeaseId;

/** What the cluster has agreed about a lease. Deadlines are not part of it: they live on the leader alone. */
export interface LeaseRecord {
  readonly id: LeaseId;
  /** As granted. */
  readonly ttlSeconds: number;
  /** Index of the log entry that granted it: tells this lease from an earlier one under the same id. */
  readonly sequence: number;
  /** What was left of it when the leader last noted that; 0 if nothing is noted, so that all of it counts. */
  readonly remainingSeconds: number;
}

/** What a leader notes about a lease, so that the next leader does not start it from its full TTL. */
export interface LeaseCheckpoint {
  readonly id: LeaseId;
  readonly sequence: number;
  /** 0 takes back what was noted before. */
  readonly remainingSeconds: number;
}
