import { Simulation } from "../simulation/simulation";

// The process that looks for a seed that catches a mutant: `run-seeds FIRST COUNT`, loaded with load-source. It tells its
// parent of each seed that it begins, and of the first that failed.

export type SeedReport =
  | { readonly kind: "begun"; readonly seed: number }
  | { readonly kind: "caught"; readonly seed: number; readonly check: string }
  | { readonly kind: "survived" };

let seed = 0;

function tell(report: SeedReport): void {
  process.send?.(report);
}

function caught(error: unknown): void {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const [line] = message.split("\n");
  tell({ kind: "caught", seed, check: `${name}: ${line}` });
  process.disconnect();
  process.exitCode = 1;
}

process.on("uncaughtException", caught); // of a promise too

function run(first: number, count: number): void {
  try {
    for (seed = first; seed < first + count; seed += 1) {
      tell({ kind: "begun", seed });
      new Simulation(seed).run();
    }
    tell({ kind: "survived" });
    process.disconnect();
  } catch (error) {
    caught(error);
  }
}

run(Number(process.argv[2]), Number(process.argv[3]));
