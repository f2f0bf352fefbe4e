import { parseDurationMs } from "@quorate/config";
import type { Revision } from "@quorate/mvcc";

export type AutoCompactionMode = "periodic" | "revision";

/** How much history is kept by members that compact on their own; etcd's `--auto-compaction-*`. */
export type AutoCompaction =
  | { readonly mode: "periodic"; readonly periodMs: number }
  | { readonly mode: "revision"; readonly revisions: number; readonly everyMs: number };

const HOUR_MS = 3_600_000;
/** Shorter periods would compact more often than is any use, and sample more often than timers keep to. */
export const PERIOD_MS_MIN = 1000;
/** The longest that is sampled in a bounded list: a sample every 6 minutes. */
export const PERIOD_MS_MAX = 10 * 365 * 24 * HOUR_MS;
/** How often the mode "revision" looks (etcd: server/etcdserver/api/v3compactor/revision.go). */
const REVISION_MODE_EVERY_MS = 5 * 60_000;
/** A period is divided into so many samples (etcd: v3compactor/periodic.go). */
const SAMPLES_PER_PERIOD = 10;

/**
 * What etcd's two flags say: a bare number counts hours, or revisions in that mode.
 *
 * @returns `undefined` if it is switched off (retention 0); "invalid" if `retention` does not fit the mode.
 */
export function parseAutoCompaction(
  mode: AutoCompactionMode,
  retention: string,
): AutoCompaction | "invalid" | undefined {
  const number = /^\d{1,15}$/.test(retention) ? Number(retention) : undefined;
  if (mode === "revision") {
    if (number === undefined) return "invalid";
    return number === 0 ? undefined : { mode, revisions: number, everyMs: REVISION_MODE_EVERY_MS };
  }
  const periodMs = number === undefined ? parseDurationMs(retention) : number * HOUR_MS;
  if (periodMs === 0) return undefined;
  const fits = periodMs !== undefined && periodMs >= PERIOD_MS_MIN && periodMs <= PERIOD_MS_MAX;
  return fits ? { mode, periodMs } : "invalid";
}

/** Decides what a store is to be compacted to. Knows no clock: all instants are given, in milliseconds. */
export interface CompactionSchedule {
  /** How often `look` is to be called. */
  readonly everyMs: number;
  /**
   * Takes note of the revision that the store has now. On every member, so that one that comes to lead knows the past.
   *
   * @returns what the leader compacts to now, if anything.
   */
  look(revision: Revision, now: number): Revision | undefined;
  /** The store is compacted to `revision`, whoever did it. Until this is told, `look` gives it again. */
  succeeded(revision: Revision, now: number): void;
}

export function compactionSchedule(wanted: AutoCompaction, startedAt: number): CompactionSchedule {
  return wanted.mode === "periodic"
    ? new PeriodicSchedule(wanted.periodMs, startedAt)
    : new RevisionSchedule(wanted.revisions, wanted.everyMs);
}

interface Sample {
  readonly at: number;
  readonly revision: Revision;
}

/** Keeps what changed within the last period: every period, or hour if that is shorter, to where it stood one period ago. */
class PeriodicSchedule implements CompactionSchedule {
  readonly everyMs: number;
  readonly #intervalMs: number;
  /** Oldest first; the first is the newest that is at least a period old, as soon as there is such a one. */
  #samples: Sample[] = [];
  #compacted = 0 as Revision;
  #nextAt: number;

  constructor(
    private readonly periodMs: number,
    startedAt: number,
  ) {
    this.#intervalMs = Math.min(periodMs, HOUR_MS);
    this.everyMs = this.#intervalMs / SAMPLES_PER_PERIOD;
    this.#nextAt = startedAt + periodMs;
  }

  look(revision: Revision, now: number): Revision | undefined {
    this.#samples.push({ at: now, revision });
    let old = 0;
    while (old + 1 < this.#samples.length && this.#samples[old + 1]!.at <= now - this.periodMs) old += 1;
    if (old > 0) this.#samples = this.#samples.slice(old);
    const [oldest] = this.#samples;
    if (now < this.#nextAt || oldest!.at > now - this.periodMs) return undefined;
    return oldest!.revision > this.#compacted ? oldest!.revision : undefined;
  }

  succeeded(revision: Revision, now: number): void {
    this.#compacted = revision;
    this.#nextAt = now + this.#intervalMs;
  }
}

/** Keeps the last so many revisions. */
class RevisionSchedule implements CompactionSchedule {
  #compacted = 0 as Revision;

  constructor(
    private readonly revisions: number,
    readonly everyMs: number,
  ) {}

  look(revision: Revision): Revision | undefined {
    const target = (revision - this.revisions) as Revision;
    return target > 0 && target > this.#compacted ? target : undefined;
  }

  succeeded(revision: Revision): void {
    this.#compacted = revision;
  }
}
