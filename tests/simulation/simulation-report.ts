import type { Mark } from "./marks";
import type { FaultCounts } from "./nemesis";

/** What one seed did, if it broke no promise. */
export interface SimulationReport {
  readonly seed: number;
  readonly members: number;
  readonly acknowledgedWrites: number;
  readonly reads: number;
  readonly unknown: number;
  /** Whether the search for an order that explains all answers came to its end; it may be too long. */
  readonly searched: boolean;
  /** Elements that were appended to lists and seen. */
  readonly listElements: number;
  /** Terms in which someone led. */
  readonly leaders: number;
  /** What was done to the cluster, and how often. */
  readonly faults: FaultCounts;
  /** Processes that ended because a disk had failed. */
  readonly diskDeaths: number;
  /** Processes that ended between two of their effects. */
  readonly boundaryDeaths: number;
  /** Snapshots installed, and starts with a state that was lost and is not in the log any more. */
  readonly snapshots: number;
  readonly damages: number;
  /** Losses of the end of a log, and starts in repair mode. */
  readonly losses: number;
  readonly repairs: number;
  /** Membership changes and transfers that were carried out, and orders that were refused. */
  readonly changes: number;
  readonly transfers: number;
  readonly ordersRefused: number;
  readonly retired: number;
  /** How often a member of the build before found that it is too old, and ended. */
  readonly refusals: number;
  /** Leases that ended because their time was over, and acknowledged renewals. */
  readonly expired: number;
  readonly renewals: number;
  /** Writes that were refused because the quota was used up, and how often that began. */
  readonly refusedForSpace: number;
  readonly spaceAlarms: number;
  /** What watchers received, and how often they had to open their stream anew. */
  readonly watchEvents: number;
  readonly watchProgress: number;
  readonly watchesCompacted: number;
  readonly watchesResumed: number;
  /** The rare states that it came to. */
  readonly marks: readonly Mark[];
  /** How long it was, in its own milliseconds. */
  readonly virtualMs: number;
  /** Of everything that was applied anywhere and every answer: the same seed gives the same. */
  readonly traceHash: number;
}
