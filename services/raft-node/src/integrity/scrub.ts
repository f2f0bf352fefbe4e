import type { ActorRef } from "@quorate/actor";
import type { Clock } from "@quorate/base";

/** Everything in one of a member's databases was read once, and was sound. */
export interface ScrubReport {
  readonly kind: "scrubbed";
  readonly database: "state" | "log";
  readonly rows: number;
  readonly bytes: number;
  readonly tookMs: number;
}

/** Reads a database from its beginning to its end, a step at a time. */
export interface ScrubPass {
  /**
   * Reads on.
   *
   * @returns what it has read; `undefined` once nothing is left.
   * @throws {StorageCorruptionError} something is not what was written.
   */
  step(): { readonly rows: number; readonly bytes: number } | undefined;
}

export interface ScrubOptions {
  readonly database: ScrubReport["database"];
  /** Milliseconds within which everything is read once. */
  readonly intervalMs: number;
}

export interface ScrubDependencies {
  readonly begin: () => ScrubPass;
  /** What a pass will read, in bytes, as far as it is known. */
  readonly bytes: () => number;
  readonly reports: ActorRef<ScrubReport>;
  readonly clock: Clock;
}

/** What a step reads at the most: a few milliseconds, in which nothing else is done by its thread. */
export const SCRUB_STEP_BYTES = 256 * 1024;
export const SCRUB_STEP_ROWS = 500;
/** A row of the usual size; of smaller ones a pass has more steps than planned, and takes longer than half of the interval. */
const STEP_BYTES_PLANNED = SCRUB_STEP_ROWS * 256;
/** However much there is to read, the thread's own work goes first. */
const PAUSE_MIN_MS = 5;

/**
 * Reads everything once per interval, so that damage is found while other members are still sound, and not when the row is
 * needed. Steps are spread evenly over half of the interval. A restart begins anew. What it finds it throws.
 */
export class Scrub {
  #pass: ScrubPass | undefined;
  #startedAt = 0;
  #rows = 0;
  #bytes = 0;
  #isPaused = false;

  constructor(
    private readonly options: ScrubOptions,
    private readonly dependencies: ScrubDependencies,
  ) {
    this.#begin();
  }

  /** The database is about to be another one. */
  pause(): void {
    this.#isPaused = true;
    this.#pass = undefined;
  }

  /** There is one again: it is read from its beginning. */
  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
  }

  #begin(): void {
    this.#startedAt = this.dependencies.clock.now();
    this.#rows = 0;
    this.#bytes = 0;
    this.#later(this.#pauseMs);
  }

  #turn(): void {
    if (this.#isPaused) return this.#begin();
    this.#pass ??= this.dependencies.begin();
    const read = this.#pass.step();
    if (read === undefined) return this.#end();
    this.#rows += read.rows;
    this.#bytes += read.bytes;
    this.#later(this.#pauseMs);
  }

  #end(): void {
    const { clock, reports } = this.dependencies;
    const { database, intervalMs } = this.options;
    const tookMs = clock.now() - this.#startedAt;
    this.#pass = undefined;
    reports.tell({ kind: "scrubbed", database, rows: this.#rows, bytes: this.#bytes, tookMs });
    clock.setTimer(Math.max(PAUSE_MIN_MS, intervalMs - tookMs), () => this.#begin());
  }

  get #pauseMs(): number {
    const steps = 1 + this.dependencies.bytes() / STEP_BYTES_PLANNED;
    return Math.max(PAUSE_MIN_MS, this.options.intervalMs / 2 / steps);
  }

  #later(delayMs: number): void {
    this.dependencies.clock.setTimer(delayMs, () => this.#turn());
  }
}
