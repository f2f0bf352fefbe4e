import type { Revision } from "@quorate/mvcc";
import { compactionSchedule, parseAutoCompaction, type AutoCompaction } from "./auto-compaction";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe("parseAutoCompaction", () => {
  it.each([
    ["periodic", "0", undefined],
    ["periodic", "0s", undefined],
    ["periodic", "1", { mode: "periodic", periodMs: HOUR }],
    ["periodic", "1h30m", { mode: "periodic", periodMs: 1.5 * HOUR }],
    ["periodic", "2s", { mode: "periodic", periodMs: 2000 }],
    ["periodic", "10ms", "invalid"],
    ["periodic", "-1h", "invalid"],
    ["periodic", "soon", "invalid"],
    ["periodic", "", "invalid"],
    ["periodic", "999999999999999", "invalid"],
    ["revision", "0", undefined],
    ["revision", "1000", { mode: "revision", revisions: 1000, everyMs: 5 * MINUTE }],
    ["revision", "10m", "invalid"],
    ["revision", "-5", "invalid"],
  ] as const)("reads mode %s with retention %p", (mode, retention, expected) => {
    expect(parseAutoCompaction(mode, retention)).toEqual(expected);
  });
});

/** One look per line: when, at which revision, what is compacted then, and whether that works. */
type Look = readonly [at: number, revision: number, target: number | undefined, works?: boolean];

function play(wanted: AutoCompaction, looks: readonly Look[]): void {
  const schedule = compactionSchedule(wanted, 0);
  for (const [at, revision, target, works = true] of looks) {
    expect([at, schedule.look(revision as Revision, at)]).toEqual([at, target]);
    if (target !== undefined && works) schedule.succeeded(target as Revision, at);
  }
}

/** Looks every `step` from `from` to `to`, revision `at / step`; compacts where `targets` says. */
function steady(step: number, count: number, targets: Readonly<Record<number, number>>): Look[] {
  return Array.from({ length: count + 1 }, (_, at) => [at * step, at + 1, targets[at]]);
}

describe("the periodic schedule", () => {
  const hour: AutoCompaction = { mode: "periodic", periodMs: HOUR };

  it.each([
    [10 * MINUTE, MINUTE],
    [HOUR, 6 * MINUTE],
    [24 * HOUR, 6 * MINUTE],
    [2000, 200],
  ])("with a period of %d ms looks every %d ms", (periodMs, everyMs) => {
    expect(compactionSchedule({ mode: "periodic", periodMs }, 0).everyMs).toBe(everyMs);
  });

  it("compacts each hour to where the store stood an hour ago", () => {
    play(hour, steady(6 * MINUTE, 30, { 10: 1, 20: 11, 30: 21 }));
  });

  it("with a period of three hours waits for three, then compacts each hour", () => {
    const periodMs = 3 * HOUR;
    play({ mode: "periodic", periodMs }, steady(6 * MINUTE, 50, { 30: 1, 40: 11, 50: 21 }));
  });

  it("tries again at the next look, with what is an hour old by then", () => {
    play(hour, [
      [0, 5, undefined],
      [6 * MINUTE, 8, undefined],
      [60 * MINUTE, 20, 5, false],
      [66 * MINUTE, 21, 8, false],
      [72 * MINUTE, 21, 8],
      [78 * MINUTE, 21, undefined],
    ]);
  });

  it("does not compact twice to a revision that did not change", () => {
    play(hour, [
      [0, 5, undefined],
      [HOUR, 5, 5],
      [2 * HOUR, 5, undefined],
      [3 * HOUR, 6, undefined],
      [4 * HOUR, 9, 6],
    ]);
  });

  it("keeps a whole period also if the looks come late", () => {
    play(hour, [
      [0, 5, undefined],
      [50 * MINUTE, 70, undefined],
      [100 * MINUTE, 90, 5],
      [160 * MINUTE, 95, 90],
    ]);
  });
});

describe("the schedule by revisions", () => {
  const wanted: AutoCompaction = { mode: "revision", revisions: 100, everyMs: 5 * MINUTE };

  it("keeps the last revisions, and does nothing where nothing changed or too little is there", () => {
    play(wanted, [
      [0, 50, undefined],
      [1, 100, undefined],
      [2, 101, 1],
      [3, 101, undefined],
      [4, 300, 200, false],
      [5, 300, 200],
      [6, 310, 210],
    ]);
  });
});
