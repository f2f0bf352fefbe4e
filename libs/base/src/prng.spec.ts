import { randomChance, randomInteger, randomPick, seededPrng } from "./prng";

const draw = (seed: number): number[] => {
  const prng = seededPrng(seed);
  return Array.from({ length: 8 }, () => prng.next());
};

describe("seededPrng", () => {
  it("repeats itself under one seed and differs under others, the upper 21 bits included", () => {
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    expect(draw(7)).not.toEqual(draw(7 + 0x1_0000_0000));
  });

  it("spreads integers over the whole range and no further", () => {
    const prng = seededPrng(1);
    const seen = new Set(Array.from({ length: 500 }, () => randomInteger(prng, -2, 2)));
    expect([...seen].sort((a, b) => a - b)).toEqual([-2, -1, 0, 1, 2]);
  });

  it("meets a chance about as often as it says, and never or always at the ends", () => {
    const prng = seededPrng(2);
    const hits = (chance: number): number =>
      Array.from({ length: 4000 }, () => randomChance(prng, chance)).filter(Boolean).length;
    expect(hits(0)).toBe(0);
    expect(hits(1)).toBe(4000);
    expect(Math.abs(hits(0.25) - 1000)).toBeLessThan(150);
  });

  it("picks every item", () => {
    const prng = seededPrng(3);
    const picked = new Set(Array.from({ length: 100 }, () => randomPick(prng, ["a", "b", "c"])));
    expect(picked.size).toBe(3);
  });
});
