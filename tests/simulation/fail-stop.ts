import type { Actor } from "@quorate/actor";
import type { Clock } from "@quorate/base";

/**
 * What a thread does when its actor meets something that only a newer build knows: it ends, and the process with it. Other
 * errors are the simulation's findings.
 */
export class FailStop {
  #failed = false;

  constructor(private readonly failed: () => void) {}

  actor<M>(actor: Actor<M>): Actor<M> {
    return {
      receive: (message) => this.#run(() => actor.receive(message)),
      turnEnded: () => this.#run(() => actor.turnEnded?.()),
    };
  }

  clock(clock: Clock): Clock {
    return {
      now: () => clock.now(),
      setTimer: (delayMs, task) => clock.setTimer(delayMs, () => this.#run(task)),
    };
  }

  #run(task: () => void): void {
    if (this.#failed) return;
    try {
      task();
    } catch (error) {
      if ((error as { readonly code?: string }).code !== "unsupported-version") throw error;
      this.#failed = true;
      this.failed();
    }
  }
}
