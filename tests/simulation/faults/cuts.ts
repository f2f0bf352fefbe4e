import type { FaultPlan } from "@quorate/transport";

export type Direction = readonly [from: string, to: string];

/** Cuts of a network that may overlap: a direction is mended when the last one that cut it is. */
export class Cuts {
  readonly #counts = new Map<string, number>();

  constructor(private readonly plan: FaultPlan) {}

  /** @returns what mends it again. */
  cut(directions: readonly Direction[]): () => void {
    for (const [from, to] of directions) {
      this.#count(from, to, 1);
      this.plan.cutOneWay(from, to);
    }
    return () => {
      for (const [from, to] of directions)
        if (this.#count(from, to, -1) === 0) this.plan.mendOneWay(from, to);
    };
  }

  #count(from: string, to: string, change: number): number {
    const direction = `${from} ${to}`;
    const count = (this.#counts.get(direction) ?? 0) + change;
    this.#counts.set(direction, count);
    return count;
  }
}

/** Every direction between one of `left` and one of `right`, both ways. */
export function between(left: readonly string[], right: readonly string[]): Direction[] {
  return left.flatMap((a) => right.flatMap((b) => (a === b ? [] : [[a, b] as const, [b, a] as const])));
}
