import type { VirtualTime } from "@quorate/actor";
import type { Timer } from "@quorate/base";

/** Timers fire this much too early at the most, in milliseconds: what rounding takes. */
const ROUNDING_MS = 1e-6;
/** The shortest timer: what waits for a time that rounding alone keeps from coming must not wait for no time at all. */
const TIMER_MS_MIN = 0.001;

interface Due {
  /** On this clock. */
  readonly at: number;
  readonly task: () => void;
  timer: Timer | undefined;
  cancelled: boolean;
}

/** The monotonic clock of one host: it may run too fast or too slow, and stand still; it never goes back. */
export class ProcessClock {
  #rate = 1;
  #stalled = false;
  /** Both clocks at the last change. */
  #trueAt = 0;
  #ownAt = 0;
  #waiting: Due[] = [];

  constructor(private readonly time: VirtualTime) {}

  now(): number {
    if (this.#stalled) return this.#ownAt;
    return this.#ownAt + (this.time.now() - this.#trueAt) * this.#rate;
  }

  /** @param rate 1.2: it gains a fifth. */
  setRate(rate: number): void {
    this.#fix();
    this.#rate = rate;
  }

  /** The clock stands still: timers wait, while messages are still handled. */
  stall(): void {
    this.#fix();
    this.#stalled = true;
  }

  unstall(): void {
    if (!this.#stalled) return;
    this.#fix();
    this.#stalled = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const due of waiting) this.#wait(due);
  }

  setTimer(delayMs: number, task: () => void): Timer {
    const due: Due = { at: this.now() + Math.max(0, delayMs), task, timer: undefined, cancelled: false };
    // What is due at once is no timer: it is done even if the clock stands still.
    if (delayMs <= 0) due.timer = this.time.setTimer(0, task);
    else this.#wait(due);
    return {
      cancel: () => {
        due.cancelled = true;
        due.timer?.cancel();
      },
    };
  }

  #wait(due: Due): void {
    if (due.cancelled) return;
    const delayMs = Math.max(TIMER_MS_MIN, (due.at - this.now()) / this.#rate);
    due.timer = this.time.setTimer(delayMs, () => {
      if (this.#stalled) this.#waiting.push(due);
      else if (this.now() < due.at - ROUNDING_MS) this.#wait(due);
      else due.task();
    });
  }

  #fix(): void {
    this.#ownAt = this.now();
    this.#trueAt = this.time.now();
  }
}
