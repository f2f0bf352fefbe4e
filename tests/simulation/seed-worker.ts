import { parentPort } from "node:worker_threads";
import { runSeed } from "./run-seed";
import type { SimulationReport } from "./simulation-report";

/** What a worker answers to the number of a seed. */
export type SeedResult =
  | { readonly seed: number; readonly report: SimulationReport }
  | { readonly seed: number; readonly failure: string };

parentPort?.on("message", (seed: number) => parentPort!.postMessage(resultOf(seed)));

function resultOf(seed: number): SeedResult {
  try {
    return { seed, report: runSeed(seed) };
  } catch (error) {
    return { seed, failure: (error as Error).message };
  }
}
