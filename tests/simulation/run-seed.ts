import { writeRegression } from "./regression";
import { shrinkSeed } from "./shrink-schedule";
import { Simulation } from "./simulation";
import type { SimulationReport } from "./simulation-report";

/** A minute or two; `npm run simulate:shrink` goes on for longer. */
const SHRINK_RUNS_MAX = 60;

/**
 * Plays one seed to its end, for whoever runs one or many. What fails is shrunk and becomes a regression file.
 *
 * @throws {Error} A promise was broken; says what was found, by which seed, and how to replay it.
 */
export function runSeed(seed: number): SimulationReport {
  try {
    return new Simulation(seed).run();
  } catch (error) {
    const { message } = error as Error;
    throw new Error(`Seed ${seed} (replay it with ${replayCommand(seed)}): ${message}\n${shrunk(seed)}`, {
      cause: error,
    });
  }
}

export function replayCommand(seed: number): string {
  return `npm run simulate -- --first ${seed} --seeds 1`;
}

function shrunk(seed: number): string {
  const found = shrinkSeed(seed, SHRINK_RUNS_MAX);
  if (found === undefined) return "It did not fail again: the simulation is not deterministic";
  const { schedule, error, itemsBefore } = found;
  const file = writeRegression(`seed-${seed}`, { seed, why: error.message, schedule });
  return `Shrunk from ${itemsBefore} to ${schedule.length} items of its schedule, which are in ${file} now`;
}
