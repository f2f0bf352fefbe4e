export interface ForwardLimits {
  readonly pendingMax: number;
  readonly timeoutTicks: number;
}

/**
 * Reads of a member that does not lead. They are forwarded to the leader in batches, one at a time: what arrives while
 * one is outstanding goes with the next, so that the load on the leader does not grow with the number of reads.
 */
export class ForwardedReads {
  readonly #limits: ForwardLimits;
  readonly #nextId: () => number;
  #waiting: number[] = [];
  #outstanding: { readonly id: number; readonly reads: readonly number[]; ticks: number } | undefined;

  /**
   * @param nextId Numbers for forwards. They must not repeat over restarts of this member within a term: a late answer
   * to an earlier start would serve a new read at an old index.
   */
  constructor(limits: ForwardLimits, dependencies: { readonly nextId: () => number }) {
    this.#limits = limits;
    this.#nextId = dependencies.nextId;
  }

  get pending(): number {
    return this.#waiting.length + (this.#outstanding?.reads.length ?? 0);
  }

  /** @returns Whether there was room. */
  add(id: number): boolean {
    if (this.pending >= this.#limits.pendingMax) return false;
    this.#waiting.push(id);
    return true;
  }

  /** The id of a forward to send now, if one is due. */
  begin(): number | undefined {
    if (this.#outstanding !== undefined || this.#waiting.length === 0) return undefined;
    const id = this.#nextId();
    this.#outstanding = { id, reads: this.#waiting, ticks: 0 };
    this.#waiting = [];
    return id;
  }

  /** The reads that the answer to forward `id` is for; none if that forward is over. */
  answered(id: number): readonly number[] {
    if (this.#outstanding?.id !== id) return [];
    const { reads } = this.#outstanding;
    this.#outstanding = undefined;
    return reads;
  }

  /** One tick passes. @returns The reads whose forward has waited too long: it or its answer was lost. */
  tick(): readonly number[] {
    if (this.#outstanding === undefined) return [];
    this.#outstanding.ticks += 1;
    return this.#outstanding.ticks < this.#limits.timeoutTicks ? [] : this.answered(this.#outstanding.id);
  }

  /** Takes everything that is pending: the leader or the term changed. */
  drain(): readonly number[] {
    const reads = [...(this.#outstanding?.reads ?? []), ...this.#waiting];
    this.#outstanding = undefined;
    this.#waiting = [];
    return reads;
  }
}
