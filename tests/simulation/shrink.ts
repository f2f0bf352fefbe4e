import { writeRegression } from "./regression";
import { shrinkSeed } from "./shrink-schedule";

// node tests/dist/simulation/shrink.js SEED [RUNS]: leaves out what a failing seed does not need, and writes the rest as a regression.

const RUNS_MAX = 500;

function main([seedText, runsText]: readonly string[]): number {
  const seed = Number(seedText);
  const runsMax = Number(runsText ?? RUNS_MAX);
  if (seedText === undefined || !Number.isSafeInteger(seed) || !(runsMax > 0)) {
    console.error(
      "Usage: shrink.js SEED [RUNS]   (SEED: of a simulation that fails; RUNS: how many to try at the most)",
    );
    return 2;
  }
  const shrunk = shrinkSeed(seed, runsMax, (items) => console.log(`still fails with ${items} items`));
  if (shrunk === undefined) {
    console.log(`Seed ${seed} keeps every promise`);
    return 1;
  }
  const { error, schedule, itemsBefore, runs, isMinimal } = shrunk;
  const file = writeRegression(`seed-${seed}`, { seed, why: error.message, schedule });
  const what = isMinimal ? "none of them can be left out" : "the bound was reached, and there may be fewer";
  console.log(`${itemsBefore} items shrunk to ${schedule.length} in ${runs} runs; ${what}`);
  console.log(`${error.message}\nWritten to ${file}: give it a name, and say in "why" what it has found`);
  return 0;
}

process.exitCode = main(process.argv.slice(2));
