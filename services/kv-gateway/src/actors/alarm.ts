import type { Clock, Timer } from "@quorate/base";
import type { Instant } from "./instant";

/**
 * Calls back at the earliest of the instants it was asked for, and then forgets them all: whoever is called looks for
 * itself what is due and asks again. One timer for any number of deadlines.
 */
export class Alarm {
  #timer: Timer | undefined;
  #at: Instant = Infinity;

  constructor(
    private readonly clock: Clock,
    private readonly ring: () => void,
  ) {}

  /** Rings no later than `at`, at the earliest in `spacingMs` from now, so that many close deadlines share a ring. */
  setBy(at: Instant, spacingMs = 0): void {
    const due = Math.max(at, this.clock.now() + spacingMs);
    if (due >= this.#at) return;
    this.#timer?.cancel();
    this.#at = due;
    this.#timer = this.clock.setTimer(due - this.clock.now(), () => {
      this.#at = Infinity;
      this.#timer = undefined;
      this.ring();
    });
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#at = Infinity;
  }
}
