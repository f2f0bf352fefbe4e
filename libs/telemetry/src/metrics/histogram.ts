import { invariant } from "@quorate/base";

/** Upper bounds in seconds that fit calls of a millisecond as well as those that wait for an election. */
export const LATENCY_SECONDS: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** Counts values in ranges. An observation costs a search through the bounds and two additions. */
export class Histogram {
  /** How many values fell into each range; the last one is open upwards. Not cumulative. */
  readonly #counts: number[];
  #sum = 0;

  /** @param bounds Upper, inclusive, rising. */
  constructor(readonly bounds: readonly number[]) {
    invariant(
      bounds.every((bound, at) => at === 0 || bound > bounds[at - 1]!),
      "bounds of a histogram rise",
      { bounds },
    );
    this.#counts = new Array<number>(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    let at = 0;
    while (at < this.bounds.length && value > this.bounds[at]!) at += 1;
    this.#counts[at]! += 1;
    this.#sum += value;
  }

  get counts(): readonly number[] {
    return this.#counts;
  }

  get sum(): number {
    return this.#sum;
  }
}
