import { Deque, invariant } from "@quorate/base";

/**
 * The rounds of one leadership: each is a question to everyone, numbered by the leader, with the tick at which it was
 * sent. Check-quorum counts when a round was *sent*: an answer that the broker kept for a minute proves nothing about now.
 */
export class Rounds {
  #current = 0;
  /** The first round of each tick, ascending; those too old to count are dropped. */
  readonly #firstOfTick = new Deque<{ readonly tick: number; readonly round: number }>();
  #newestTick: number;

  /** Round 0 stands for the votes that made the leader. */
  constructor(tick: number) {
    this.#firstOfTick.push({ tick, round: 0 });
    this.#newestTick = tick;
  }

  get current(): number {
    return this.#current;
  }

  begin(tick: number): number {
    invariant(tick >= this.#newestTick, "ticks never go back");
    this.#current += 1;
    if (tick > this.#newestTick) {
      this.#firstOfTick.push({ tick, round: this.#current });
      this.#newestTick = tick;
    }
    return this.#current;
  }

  /** Whether `round` was sent at `tick` or later. Questions about ever later ticks are expected; O(1) amortised. */
  sentSince(round: number, tick: number): boolean {
    let oldest = this.#firstOfTick.peek();
    while (oldest !== undefined && oldest.tick < tick) {
      this.#firstOfTick.shift();
      oldest = this.#firstOfTick.peek();
    }
    return oldest !== undefined && round >= oldest.round;
  }
}
