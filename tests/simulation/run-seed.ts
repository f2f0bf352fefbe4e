import { Simulation, type SimulationReport } from "./simulation";

/**
 * Plays one seed to its end, for whoever runs one or many.
 *
 * @throws {Error} A promise was broken; says what was found, by which seed, and how to replay it.
 */
export function runSeed(seed: number): SimulationReport {
  try {
    return new Simulation(seed).run();
  } catch (error) {
    throw new Error(`Seed ${seed} (replay it with ${replayCommand(seed)}): ${(error as Error).message}`, {
      cause: error,
    });
  }
}

export function replayCommand(seed: number): string {
  return `npm run simulate -- --first ${seed} --seeds 1`;
}
