import { ddmin } from "./ddmin";

const NUMBERS = Array.from({ length: 40 }, (_, at) => at);

describe("delta debugging", () => {
  it("finds the items that fail together", () => {
    const found = ddmin(NUMBERS, (items) => [3, 17, 38].every((item) => items.includes(item)), 1000);
    expect(found).toMatchObject({ items: [3, 17, 38], isMinimal: true });
  });

  it("finds nothing to be enough, if it is", () => {
    expect(ddmin(NUMBERS, () => true, 1000)).toMatchObject({ items: [], isMinimal: true });
  });

  it("ends with what no single item can be taken from, though it is not the smallest", () => {
    const fails = (items: readonly number[]): boolean =>
      items.includes(39) || (items.includes(1) && items.includes(2));
    const { items } = ddmin(NUMBERS, fails, 1000);
    expect(fails(items)).toBe(true);
    for (const item of items) expect(fails(items.filter((other) => other !== item))).toBe(false);
  });

  it("stops at its bound, and says so", () => {
    const found = ddmin(NUMBERS, (items) => items.length > 30, 5);
    expect(found).toMatchObject({ runs: 5, isMinimal: false });
    expect(found.items.length).toBeGreaterThan(30);
  });
});
