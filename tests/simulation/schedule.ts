import type { OperatorAction } from "./simulated-operator";

/** Which member: one of those that run or ran, by a number that is reduced to how many there are, or whoever believes to lead. */
export type Victim = number | "leader";

/**
 * Where a process can end between two of its effects:
 *
 * ```text
 *   log-write   anchor-write | anchor-torn   log-synced          send
 *      | append + sync |   the anchor   | report | ... messages  |  the next one
 *   apply                                   applied
 *      | rows are written                 | report
 * ```
 */
export const BOUNDARIES = [
  "log-write",
  "anchor-write",
  "anchor-torn",
  "log-synced",
  "apply",
  "applied",
  "send",
] as const;
export type Boundary = (typeof BOUNDARIES)[number];

export type Disk = "log" | "state";

/** What is done to a cluster. Numbers called `pick` are reduced to what there is to choose from when it is done. */
export type Fault =
  // nodes
  | {
      readonly kind: "crash";
      readonly victim: Victim;
      readonly powerLoss: boolean;
      /** Beside what was not synced. Nothing, while another member is not whole. */
      readonly loses: "nothing" | "state" | "log" | "anchor-slot";
      /** Synced writes that the log loses, or the slot. */
      readonly pick: number;
    }
  | { readonly kind: "crash-all"; readonly powerLoss: boolean }
  | {
      readonly kind: "crash-at";
      readonly victim: Victim;
      readonly boundary: Boundary;
      /** How often the process passes there before. */
      readonly skip: number;
      readonly powerLoss: boolean;
    }
  | { readonly kind: "restart-storm"; readonly victim: Victim; readonly everyMs: number }
  | { readonly kind: "pause"; readonly victim: Victim }
  /** Members of another cluster, by its id, that speak in the names of these. */
  | { readonly kind: "strangers"; readonly pick: number }
  | { readonly kind: "crash-watching"; readonly pick: number }
  // disks
  | {
      readonly kind: "sync-error";
      readonly victim: Victim;
      readonly disk: Disk;
      /** Whether the write that failed is on the disk all the same. */
      readonly reaches: boolean;
    }
  | { readonly kind: "disk-full"; readonly victim: Victim }
  | { readonly kind: "slow-sync"; readonly victim: Victim; readonly disk: Disk }
  // clocks
  | { readonly kind: "clock-rate"; readonly victim: Victim; readonly percent: number }
  | { readonly kind: "clock-stall"; readonly victim: Victim }
  // the network
  | { readonly kind: "isolate"; readonly victim: Victim }
  | { readonly kind: "isolate-watching"; readonly pick: number; readonly from: number }
  | { readonly kind: "halves"; readonly left: number }
  | { readonly kind: "bridge"; readonly left: number; readonly victim: Victim }
  | { readonly kind: "ring" }
  | { readonly kind: "one-way"; readonly victim: Victim; readonly deaf: boolean }
  | { readonly kind: "clog"; readonly victim: Victim; readonly way: "in" | "out" | "both" }
  | { readonly kind: "disconnect"; readonly pick: number }
  /** The broker closes a connection that does not keep up; the client is back at once. */
  | { readonly kind: "slow-consumer"; readonly pick: number }
  | { readonly kind: "replay"; readonly from: number; readonly count: number }
  | {
      readonly kind: "weather";
      readonly delayMs: number;
      readonly lossChance: number;
      readonly duplicateChance: number;
      readonly reorderChance: number;
      readonly reorderMs: number;
      readonly outliveChance: number;
      readonly interestLagMs: number;
    }
  // brokers
  | { readonly kind: "broker-crash"; readonly broker: number; readonly reconnectMs: number }
  | { readonly kind: "broker-pause"; readonly broker: number }
  | { readonly kind: "route-cut"; readonly broker: number }
  // who uses and operates the cluster
  | { readonly kind: "join"; readonly caller: string }
  | { readonly kind: "order"; readonly action: OperatorAction; readonly pick: number }
  | { readonly kind: "roll"; readonly pick: number }
  | { readonly kind: "compact"; readonly behind: number };

export type FaultKind = Fault["kind"];
export type FaultOf<K extends FaultKind> = Extract<Fault, { readonly kind: K }>;

/** `atMs`: of virtual time; `forMs`: until it ends, 0 for what is done at once. */
export type ScheduleItem = Fault & { readonly atMs: number; readonly forMs: number };

/** All that happens to a cluster from outside, in the order of time. What remains is up to the streams of the seed. */
export type Schedule = readonly ScheduleItem[];
