import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import { Worker } from "node:worker_threads";
import { Command, InvalidArgumentError } from "commander";
import { replayCommand } from "./run-seed";
import { RunSet } from "./run-set";
import type { SeedResult } from "./seed-worker";

// npm run simulate -- --seeds N --first S --jobs J: plays seeds outside of jest, each job in a thread of its own. Ends with 1
// if a seed broke a promise, or if all together did not reach what they should have.

interface SimulateOptions {
  readonly seeds: number;
  readonly first: number;
  readonly jobs: number;
}

const PROGRESS_MS = 5000;
/** Beside this file, bundled if this one is. */
const WORKER = join(__dirname, basename(__filename).replace("simulate", "seed-worker"));

function optionsOf(argv: readonly string[]): SimulateOptions {
  return new Command("simulate")
    .description("Plays simulated clusters, one per seed, and checks every promise.")
    .option("--seeds <count>", "how many seeds", positive, 400)
    .option("--first <seed>", "the first of them", positive, 1)
    .option("--jobs <count>", "threads that play them", positive, Math.min(2, availableParallelism()))
    .parse([...argv], { from: "user" })
    .opts<SimulateOptions>();
}

/** Lets `jobs` threads take seed after seed. `told` gets each result as it comes. */
async function play(options: SimulateOptions, told: (result: SeedResult) => void): Promise<void> {
  let next = options.first;
  const end = options.first + options.seeds;
  const job = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(WORKER);
      const goOn = (): void => {
        if (next < end) worker.postMessage(next++);
        else void worker.terminate();
      };
      worker.on("message", (result: SeedResult) => {
        told(result);
        goOn();
      });
      worker.on("error", reject);
      worker.on("exit", () => resolve());
      goOn();
    });
  await Promise.all(Array.from({ length: Math.min(options.jobs, options.seeds) }, job));
}

async function main(argv: readonly string[]): Promise<number> {
  const options = optionsOf(argv);
  const { seeds, first } = options;
  const set = new RunSet();
  const failed: number[] = [];
  const startedAt = performance.now();
  const pace = (): string => {
    const seconds = (performance.now() - startedAt) / 1000;
    const { user, system } = process.cpuUsage();
    const virtualSeconds = set.virtualMs / 1000;
    const ratio = (virtualSeconds / ((user + system) / 1e6)).toFixed(0);
    const done = set.seeds + failed.length;
    return (
      `${done} of ${seeds} seeds, ${failed.length} failed, ${(done / seconds).toFixed(2)} seeds/s, ` +
      `${virtualSeconds.toFixed(0)} virtual seconds, ${ratio} of them per CPU second`
    );
  };
  const progress = setInterval(() => console.error(pace()), PROGRESS_MS);
  await play(options, (result) => {
    if ("report" in result) return set.add(result.report);
    failed.push(result.seed);
    console.error(result.failure);
  });
  clearInterval(progress);
  for (const [name, sum] of Object.entries(set.sums)) console.log(`${String(sum).padStart(9)}  ${name}`);
  console.log(`${pace()}; from seed ${first} on`);
  const { shortfalls } = set;
  for (const text of shortfalls) console.log(text);
  for (const seed of failed) console.log(`failed: ${replayCommand(seed)}`);
  if (failed.length === 0) console.log("every promise was kept");
  return failed.length + shortfalls.length === 0 ? 0 : 1;
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError("It must be 1 or more.");
  return value;
}

void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
