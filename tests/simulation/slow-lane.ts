import type { Actor, ActorRef } from "@quorate/actor";
import { randomChance, randomInteger, type Clock, type Prng } from "@quorate/base";
import { StorageWriteError } from "@quorate/storage";

export interface LaneSpeed {
  /** Milliseconds that one turn takes, drawn from 0 to this. */
  readonly turnMsMax: number;
  /** Chance of a stall per turn, and how long one lasts at the most: a disk that syncs for seconds. */
  readonly stallChance: number;
  readonly stallMsMax: number;
}

/**
 * A thread of its own, simulated: what arrives while a turn runs waits and shares the next one. Killed, it forgets what it
 * had not done, and nothing of it is heard any more.
 */
export class SlowLane<M> implements ActorRef<M> {
  #waiting: M[] = [];
  #busy = false;
  #dead = false;
  /** Its disk does not answer. */
  #hung = false;
  /** A turn waits for the disk. */
  #due = false;

  constructor(
    private readonly speed: LaneSpeed,
    private readonly dependencies: {
      readonly actor: Actor<M>;
      readonly clock: Clock;
      readonly prng: Prng;
      /** Whether stalls are over. */
      readonly isCalm: () => boolean;
      /** A write failed: the process must end. */
      readonly failed: (error: StorageWriteError) => void;
    },
  ) {}

  tell(message: M): void {
    if (this.#dead) return;
    this.#waiting.push(message);
    if (!this.#busy) this.#begin();
  }

  kill(): void {
    this.#dead = true;
    this.#waiting = [];
  }

  /** From now on turns do not end, until `release`. */
  hold(): void {
    this.#hung = true;
  }

  release(): void {
    this.#hung = false;
    if (!this.#due) return;
    this.#due = false;
    this.dependencies.clock.setTimer(0, () => this.#turn());
  }

  #begin(): void {
    this.#busy = true;
    this.dependencies.clock.setTimer(this.#turnMs(), () => this.#turn());
  }

  #turn(): void {
    if (this.#dead) return;
    if (this.#hung) {
      this.#due = true;
      return;
    }
    const messages = this.#waiting;
    this.#waiting = [];
    try {
      for (const message of messages) this.dependencies.actor.receive(message);
      this.dependencies.actor.turnEnded?.();
    } catch (error) {
      if (error instanceof StorageWriteError) return this.dependencies.failed(error);
      throw error;
    }
    this.#busy = false;
    if (this.#waiting.length > 0) this.#begin();
  }

  #turnMs(): number {
    const { turnMsMax, stallChance, stallMsMax } = this.speed;
    const { prng, isCalm } = this.dependencies;
    if (stallChance > 0 && !isCalm() && randomChance(prng, stallChance))
      return randomInteger(prng, 1, stallMsMax);
    return randomInteger(prng, 0, turnMsMax * 1000) / 1000;
  }
}
