/** Monotonic time and timers, handed to whatever waits. Cores never see one. */
export interface Clock {
  /** Milliseconds since an arbitrary start; never goes back; not wall-clock time. */
  now(): number;
  /** Runs `task` once, `delayMs` milliseconds (0 or more) from now, unless cancelled. */
  setTimer(delayMs: number, task: () => void): Timer;
}

export interface Timer {
  /** Idempotent. A task that has run cannot be cancelled. */
  cancel(): void;
}

/** Runs tasks later, each in a turn of its own, in the order they were posted. */
export interface Scheduler {
  post(task: () => void): void;
}
