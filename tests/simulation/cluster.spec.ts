import { rareFaults } from "./fault-guard";
import { writeRegression } from "./regression";
import type { Schedule } from "./schedule";
import { shrinkSeed } from "./shrink-schedule";
import { Simulation, type SimulationReport } from "./simulation";

// Goal: no seed breaks a promise. Method: a cluster of real actors on simulated time, broker and disks; see simulation.ts.
// A failing seed is replayed alone by QUORATE_SEED=<seed>; QUORATE_SEEDS=<count> runs more of them.
const first = Number(process.env["QUORATE_SEED"] ?? 1);
const count = process.env["QUORATE_SEED"] === undefined ? Number(process.env["QUORATE_SEEDS"] ?? 240) : 1;

/** A minute or two; `npm run simulate:shrink` goes on for longer. */
const SHRINK_RUNS_MAX = 60;

function run(seed: number): SimulationReport {
  try {
    return new Simulation(seed).run();
  } catch (error) {
    const { message } = error as Error;
    throw new Error(`Seed ${seed} (replay it with QUORATE_SEED=${seed}): ${message}\n${shrunk(seed)}`, {
      cause: error,
    });
  }
}

function shrunk(seed: number): string {
  const found = shrinkSeed(seed, SHRINK_RUNS_MAX);
  if (found === undefined) return "It did not fail again: the simulation is not deterministic";
  const { schedule, error, itemsBefore } = found;
  const file = writeRegression(`seed-${seed}`, { seed, why: error.message, schedule });
  return `Shrunk from ${itemsBefore} to ${schedule.length} items of its schedule, which are in ${file} now`;
}

describe("a simulated cluster", () => {
  it(
    `keeps every promise under ${count} seeds from ${first} on`,
    () => {
      const reports = Array.from({ length: count }, (_, at) => run(first + at));
      if (count < 100) return;
      // A run set that did not reach these has proven nothing.
      const sum = (of: (report: SimulationReport) => number): number =>
        reports.reduce((total, report) => total + of(report), 0);
      expect(sum((report) => report.acknowledgedWrites)).toBeGreaterThan(count * 50);
      expect(sum((report) => report.reads)).toBeGreaterThan(count * 30);
      expect(sum((report) => report.unknown)).toBeGreaterThan(count / 4);
      expect(reports.filter(({ searched }) => searched).length).toBeGreaterThan(count * 0.9);
      expect(sum((report) => report.listElements)).toBeGreaterThan(count * 10);
      expect(rareFaults(reports.map(({ faults }) => faults))).toEqual([]);
      expect(sum((report) => report.diskDeaths)).toBeGreaterThan(count / 10);
      expect(sum((report) => report.boundaryDeaths)).toBeGreaterThan(count / 4);
      expect(sum((report) => report.snapshots)).toBeGreaterThan(count / 4);
      expect(sum((report) => report.damages)).toBeGreaterThan(count / 50);
      expect(sum((report) => report.losses)).toBeGreaterThan(count / 20);
      expect(sum((report) => report.repairs)).toBeGreaterThan(count / 20);
      expect(sum((report) => report.changes)).toBeGreaterThan(count / 2);
      expect(sum((report) => report.transfers)).toBeGreaterThan(count / 10);
      expect(sum((report) => report.ordersRefused)).toBeGreaterThan(count / 5);
      expect(sum((report) => report.refusals)).toBeGreaterThan(count / 10);
      expect(sum((report) => report.retired)).toBeGreaterThan(count / 10);
      expect(sum((report) => report.expired)).toBeGreaterThan(count * 2);
      expect(sum((report) => report.renewals)).toBeGreaterThan(count * 5);
      expect(sum((report) => report.refusedForSpace)).toBeGreaterThan(count * 5);
      expect(sum((report) => report.spaceAlarms)).toBeGreaterThan(count / 2);
      expect(sum((report) => report.leaders)).toBeGreaterThan(count * 1.5);
      expect(sum((report) => report.watchEvents)).toBeGreaterThan(count * 200);
      expect(sum((report) => report.watchProgress)).toBeGreaterThan(count * 10);
      expect(sum((report) => report.watchesCompacted)).toBeGreaterThan(count);
      expect(sum((report) => report.watchesResumed)).toBeGreaterThan(count / 4);
    },
    20 * 60_000,
  );

  it("does the same thing twice under the same seed", () => {
    for (const seed of [3, 14, 15]) {
      // The second time with its schedule as data.
      const schedule = JSON.parse(JSON.stringify(new Simulation(seed).schedule)) as Schedule;
      expect(new Simulation(seed, schedule).run()).toEqual(run(seed));
    }
  });
});
