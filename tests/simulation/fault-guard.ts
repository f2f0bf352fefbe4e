import { DRAWN_FAULTS } from "./draw-schedule";
import type { FaultCounts } from "./nemesis";

/** Of so many seeds one at the least, on average, must have done each kind of fault. */
const SEEDS_PER_FAULT = 50;

/** Kinds of faults that some seeds did so rarely that they have proven nothing about them, with how often they did. */
export function rareFaults(counts: readonly FaultCounts[]): string[] {
  return DRAWN_FAULTS.flatMap((kind) => {
    const done = counts.reduce((sum, { [kind]: count = 0 }) => sum + count, 0);
    return done <= counts.length / SEEDS_PER_FAULT ? [`${kind}: ${done} in ${counts.length} seeds`] : [];
  });
}
