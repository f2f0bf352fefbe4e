export type RestartDecision =
  { readonly kind: "restart"; readonly delayMs: number } | { readonly kind: "give-up" };

const WINDOW_MS = 60_000;
const EXITS_MAX = 5;
const DELAY_MIN_MS = 250;
const DELAY_MAX_MS = 4_000;

/** Restarts a process that ended by itself, later each time, and stops once it is clear that restarting does not help. */
export class RestartPolicy {
  #exits: number[] = [];

  /** @param now Milliseconds of a monotonic clock, at the exit. */
  exited(now: number): RestartDecision {
    this.#exits = [...this.#exits.filter((at) => at > now - WINDOW_MS), now];
    if (this.#exits.length >= EXITS_MAX) return { kind: "give-up" };
    return { kind: "restart", delayMs: Math.min(DELAY_MAX_MS, DELAY_MIN_MS * 2 ** (this.#exits.length - 1)) };
  }

  /** Forgets: someone started it by hand, perhaps after mending it. */
  reset(): void {
    this.#exits = [];
  }
}
