import { DRAWN_FAULTS } from "./draw-schedule";
import { SOMETIMES } from "./marks";
import { RunSet } from "./run-set";
import type { SimulationReport } from "./simulation-report";

/** Far above what any guard wants. */
const RICH: SimulationReport = {
  seed: 1,
  members: 3,
  acknowledgedWrites: 1000,
  reads: 1000,
  unknown: 1000,
  searched: true,
  listElements: 1000,
  leaders: 1000,
  faults: Object.fromEntries(DRAWN_FAULTS.map((kind) => [kind, 1])),
  diskDeaths: 1000,
  boundaryDeaths: 1000,
  snapshots: 1000,
  damages: 1000,
  losses: 1000,
  repairs: 1000,
  changes: 1000,
  transfers: 1000,
  ordersRefused: 1000,
  retired: 1000,
  refusals: 1000,
  expired: 1000,
  renewals: 1000,
  refusedForSpace: 1000,
  spaceAlarms: 1000,
  watchEvents: 1000,
  watchProgress: 1000,
  watchesCompacted: 1000,
  watchesResumed: 1000,
  marks: SOMETIMES,
  virtualMs: 32_000,
  traceHash: 0,
};

function setOf(seeds: number, report: Partial<SimulationReport>): RunSet {
  const set = new RunSet();
  for (let seed = 1; seed <= seeds; seed += 1) set.add({ ...RICH, ...report, seed });
  return set;
}

describe("a set of seeds", () => {
  it("falls short of nothing if all was reached", () => {
    expect(setOf(5000, {}).shortfalls).toEqual([]);
  });

  it("names what was done too rarely", () => {
    expect(setOf(400, { diskDeaths: 0 }).shortfalls).toEqual([
      expect.stringContaining("diskDeaths: 0 in 400 seeds") as string,
    ]);
    expect(setOf(400, { searched: false }).shortfalls).toEqual(["searched: only 0 of 400 histories"]);
  });

  it("names a state that no seed came to, once there were enough seeds for it", () => {
    const [common, rare] = ["repair mode was left", "a leader was deposed before its first commit"] as const;
    const marks = SOMETIMES.filter((mark) => mark !== common && mark !== rare);
    expect(setOf(399, { marks }).shortfalls).toEqual([]);
    expect(setOf(400, { marks }).shortfalls).toEqual([`sometimes "${common}": never in 400 seeds`]);
    expect(setOf(4000, { marks }).shortfalls).toHaveLength(2);
  });

  it("asks nothing of a few seeds", () => {
    expect(setOf(10, { diskDeaths: 0, searched: false, marks: [] }).shortfalls).toEqual([]);
  });

  it("sums what its seeds did", () => {
    const set = setOf(3, { diskDeaths: 2, marks: ["repair mode was left"] });
    expect(set.sums).toMatchObject({ searched: 3, diskDeaths: 6, 'sometimes "repair mode was left"': 3 });
    expect(set.virtualMs).toBe(96_000);
  });
});
