import { Deque, invariant } from "@quorate/base";
import type { RaftEffect } from "./effect";
import type { RaftLog } from "./log/raft-log";
import type { LogIndex } from "./types";

/** One batch is being applied while the next waits at hand; more would only hold memory and make batches smaller. */
const APPLIES_OUTSTANDING_MAX = 2;

/** Hands committed and durable entries to the state machine, each once and in order: applied <= handed <= commit. */
export class Applier {
  readonly #bytesMax: number;
  readonly #log: RaftLog;
  #applied: LogIndex;
  #handed: LogIndex;
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
  }

  get applied(): LogIndex {
    return this.#applied;
  }

  /** The `apply` effect of this turn, if there is something to apply and room for it. */
  take(): RaftEffect | undefined {
    const to = Math.min(this.#log.commit, this.#log.durable) as LogIndex;
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
