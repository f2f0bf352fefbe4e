import { join } from "node:path";
import { run, succeed } from "../harness/child-process";
import { nodeExecutable, repositoryRoot } from "../harness/repository";
import { runSeed } from "./run-seed";
import type { Schedule } from "./schedule";
import { Simulation } from "./simulation";

// Goal: no seed breaks a promise. Method: a cluster of real actors on simulated time, broker and disks; see simulation.ts.
// A failing seed is replayed alone by QUORATE_SEED=<seed>; QUORATE_SEEDS=<count> runs more of them. `npm run simulate` does the
// same outside of jest.
const first = Number(process.env["QUORATE_SEED"] ?? 1);
const count = process.env["QUORATE_SEED"] === undefined ? Number(process.env["QUORATE_SEEDS"] ?? 400) : 1;

const LIMIT_MS = 20 * 60_000;

describe("a simulated cluster", () => {
  it(
    `keeps every promise under ${count} seeds from ${first} on`,
    async () => {
      // From the bundle, in a process of its own: jest's way of loading modules takes about twice the time.
      await succeed(nodeExecutable, [join(repositoryRoot, "infra/scripts/bundle-simulation.mjs")]);
      const bundle = join(repositoryRoot, "tests/dist/simulation/simulate.bundle.js");
      const seeds = ["--first", `${first}`, "--seeds", `${count}`, "--jobs", "1"];
      const { exitCode, stdout, stderr } = await run(
        nodeExecutable,
        ["--max-semi-space-size=64", bundle, ...seeds],
        { timeoutMs: LIMIT_MS },
      );
      if (exitCode !== 0) throw new Error(`The simulation ended with ${exitCode}.\n${stderr}\n${stdout}`);
    },
    LIMIT_MS,
  );

  it("does the same thing twice under the same seed", () => {
    for (const seed of [3, 14, 15]) {
      // The second time with its schedule as data.
      const schedule = JSON.parse(JSON.stringify(new Simulation(seed).schedule)) as Schedule;
      expect(new Simulation(seed, schedule).run()).toEqual(runSeed(seed));
    }
  });
});
