import { Deque, invariant } from "@quorate/base";
import type { RaftEffect } from "./effect";
import type { RaftLog } from "./log/raft-log";
import type { LogIndex } from "./types";

/** One batch is being applied while the next waits at hand; more would only hold memory and make batches smaller. */
const APPLIES_OUTSTANDING_MAX = 2;

/**
 * Hands committed and durable entries to the state machine, each once and in order: applied <= handed <= commit. While the
 * state is damaged or being replaced by a snapshot, it hands over nothing.
 */
export class Applier {
  readonly #bytesMax: number;
  readonly #log: RaftLog;
  #applied: LogIndex;
  #handed: LogIndex;
  #isWhole: boolean;
  /** The last index of each batch that is not reported as applied. */
  readonly #outstanding = new Deque<LogIndex>();

  constructor(
    options: { readonly applyBytesMax: number },
    applied: LogIndex,
    dependencies: { readonly log: RaftLog },
  ) {
    this.#bytesMax = options.applyBytesMax;
    this.#log = dependencies.log;
    this.#applied = applied;
    this.#handed = applied;
    this.#isWhole = applied >= dependencies.log.compacted.index;
  }

  /** Whether the state holds all that it says to hold, and the log what follows it. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  get applied(): LogIndex {
    return this.#applied;
  }

  /** The `apply` effect of this turn, if there is something to apply and room for it. */
  take(): RaftEffect | undefined {
    if (!this.#isWhole) return undefined;
    const to = Math.min(this.#log.settledCommit, this.#log.durable) as LogIndex;
    if (this.#handed >= to || this.#outstanding.size >= APPLIES_OUTSTANDING_MAX) return undefined;
    const entries = this.#log.entries((this.#handed + 1) as LogIndex, to, this.#bytesMax);
    if (entries === undefined) return undefined; // they are being fetched
    const last = entries[entries.length - 1]!.index;
    invariant(entries[0]!.index === this.#handed + 1, "entries are applied without a gap", {
      handed: this.#handed,
    });
    invariant(last <= to, "only committed and durable entries are applied", { last, to });
    this.#handed = last;
    this.#outstanding.push(last);
    return { kind: "apply", entries };
  }

  /** The log begins behind a snapshot, which is to take the place of the state. */
  suspend(): void {
    this.#isWhole = false;
  }

  /** The state is that of a snapshot at `index`. */
  resume(index: LogIndex): void {
    invariant(index >= this.#handed, "a snapshot does not take the state back", {
      index,
      handed: this.#handed,
    });
    this.#applied = index;
    this.#handed = index;
    this.#outstanding.drain();
    this.#isWhole = true;
  }

  /** The state machine holds everything up to `index`. */
  report(index: LogIndex): void {
    invariant(index <= this.#handed, "only what was handed over is applied", { index, handed: this.#handed });
    invariant(index >= this.#applied, "the applied index never moves back", {
      index,
      applied: this.#applied,
    });
    this.#applied = index;
    for (
      let last = this.#outstanding.peek();
      last !== undefined && last <= index;
      last = this.#outstanding.peek()
    ) {
      this.#outstanding.shift();
    }
  }
}
