import { DRAWN_FAULTS } from "./draw-schedule";
import { rareFaults } from "./fault-guard";

describe("the guard of faults", () => {
  const all = Object.fromEntries(DRAWN_FAULTS.map((kind) => [kind, 1]));

  it("is silent if every kind was done often enough", () => {
    expect(rareFaults(Array.from({ length: 100 }, () => all))).toEqual([]);
  });

  it("names what was done too rarely, or never", () => {
    const { ring: _, ...rest } = all;
    const counts = Array.from({ length: 100 }, (_seed, at) => (at < 2 ? all : rest));
    expect(rareFaults(counts)).toEqual(["ring: 2 in 100 seeds"]);
    expect(rareFaults([{}])).toHaveLength(DRAWN_FAULTS.length);
  });
});
