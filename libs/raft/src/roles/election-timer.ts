import { type Prng, randomInteger } from "@quorate/base";

/**
 * Counts the ticks since the last sign of a leader. Two questions are asked of it: has the randomised timeout passed
 * (campaign), and has the minimum timeout passed (may others have our vote)?
 */
export class ElectionTimer {
  readonly #minimumTicks: number;
  readonly #prng: Prng;
  #elapsed = 0;
  #timeout: number;
  /** A member counts as having heard a leader when it starts: it has forgotten what it promised before. */
  #heard = true;
  #sinceHeard = 0;

  constructor(minimumTicks: number, dependencies: { readonly prng: Prng }) {
    this.#minimumTicks = minimumTicks;
    this.#prng = dependencies.prng;
    this.#timeout = this.#draw();
  }

  /** Whether a leader was heard of within the minimum timeout: then (pre-)votes are refused (thesis §6.4.1, §4.2.3). */
  get sticky(): boolean {
    return this.#heard && this.#sinceHeard < this.#minimumTicks;
  }

  get expired(): boolean {
    return this.#elapsed >= this.#timeout;
  }

  tick(): void {
    this.#elapsed += 1;
    this.#sinceHeard += 1;
  }

  /** The present leader gave a sign of life. */
  leaderHeard(): void {
    this.#elapsed = 0;
    this.#heard = true;
    this.#sinceHeard = 0;
  }

  /** There is no leader any more: it resigned, or the term is newer than any leader heard of. */
  leaderGone(): void {
    this.#heard = false;
  }

  /** Begins a new wait of a new random length. */
  restart(): void {
    this.#elapsed = 0;
    this.#timeout = this.#draw();
  }

  #draw(): number {
    return randomInteger(this.#prng, this.#minimumTicks, 2 * this.#minimumTicks - 1);
  }
}
