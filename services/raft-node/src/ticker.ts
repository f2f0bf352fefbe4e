import type { Clock, Scheduler, Timer } from "@quorate/base";

/**
 * Tells Raft that a unit of time has passed. After a stall (a paused process, a long collection) there is one tick, not one
 * for every interval missed, and it comes after the messages that were already waiting on the sockets: a burst of ticks
 * would start an election against heartbeats that are there to be read.
 */
export class Ticker implements Disposable {
  #timer: Timer | undefined;
  #stopped = false;

  constructor(
    private readonly options: { readonly intervalMs: number },
    private readonly dependencies: {
      readonly clock: Clock;
      readonly scheduler: Scheduler;
      readonly tick: () => void;
    },
  ) {}

  start(): void {
    this.#timer = this.dependencies.clock.setTimer(this.options.intervalMs, () => {
      this.dependencies.scheduler.post(() => {
        if (this.#stopped) return;
        this.dependencies.tick();
        this.start();
      });
    });
  }

  [Symbol.dispose](): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }
}
