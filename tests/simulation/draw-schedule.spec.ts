import { DRAWN_FAULTS, drawSchedule } from "./draw-schedule";
import { streamOf } from "./streams";

const OPTIONS = {
  endMs: 12_000,
  losesLogs: true,
  operated: true,
  mixesBuilds: true,
  compacts: true,
  callers: ["client 0"],
};

describe("a schedule that is drawn", () => {
  it("is in the order of time, ends with the faults, and is the same as data", () => {
    for (let seed = 1; seed <= 50; seed += 1) {
      const schedule = drawSchedule(seed, OPTIONS);
      expect(schedule).toEqual([...schedule].sort((left, right) => left.atMs - right.atMs));
      expect(schedule.every(({ atMs, forMs }) => forMs >= 0 && atMs + forMs <= OPTIONS.endMs)).toBe(true);
      expect(JSON.parse(JSON.stringify(schedule))).toEqual(schedule);
    }
  });

  it("holds every kind of fault in some seed, and not all of them in any", () => {
    const kinds = Array.from(
      { length: 50 },
      (_, seed) => new Set(drawSchedule(seed, OPTIONS).map(({ kind }) => kind)),
    );
    for (const kind of DRAWN_FAULTS) expect(kinds.filter((of) => of.has(kind)).length).toBeGreaterThan(2);
    for (const of of kinds) expect(DRAWN_FAULTS.every((kind) => of.has(kind))).toBe(false);
  });

  it("has the same faults whether anybody operates the cluster or not", () => {
    const faults = (operated: boolean) =>
      drawSchedule(7, { ...OPTIONS, operated }).filter(({ kind }) =>
        DRAWN_FAULTS.some((drawn) => drawn === kind),
      );
    expect(faults(true)).toEqual(faults(false));
  });
});

describe("the streams of a seed", () => {
  it("are each their own, and the same every time", () => {
    const first = (seed: number, name: string) => streamOf(seed, name).next();
    expect(first(1, "a")).toBe(first(1, "a"));
    expect(new Set([first(1, "a"), first(1, "b"), first(2, "a"), first(2, "b")]).size).toBe(4);
  });
});
