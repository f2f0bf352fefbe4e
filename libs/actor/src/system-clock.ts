import type { Clock, Scheduler, Timer } from "@quorate/base";

/** Real monotonic time; unaffected by changes of the wall clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimer(delayMs: number, task: () => void): Timer {
    const handle = setTimeout(task, delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
};

/** Turns run after pending I/O was handed out, so that everything one poll of the event loop brought shares a turn. */
export const systemScheduler: Scheduler = { post: (task) => void setImmediate(task) };
