import fc from "fast-check";
import { IntervalTree, type Interval } from "./interval-tree";

const key = fc.string({ unit: fc.constantFrom("\u0000", "a", "b", "\u00ff"), maxLength: 3 });
const interval: fc.Arbitrary<Interval> = fc.record({ from: key, to: fc.option(key, { nil: undefined }) });
const step = fc.record({ add: fc.boolean(), interval, value: fc.integer({ min: 0, max: 2 }) });

describe("IntervalTree", () => {
  it("finds what a list of all intervals finds, whatever was added and deleted", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.array(key, { maxLength: 20 }), (steps, keys) => {
        const tree = new IntervalTree<string>();
        const list = new Map<string, { readonly interval: Interval; readonly value: string }>();
        for (const { add, interval: at, value: number } of steps) {
          const value = `${JSON.stringify(at)} ${number}`;
          if (add) {
            tree.add(at, value);
            list.set(value, { interval: at, value });
          } else {
            tree.delete(at, value);
            list.delete(value);
          }
        }
        expect(tree.size).toBe(list.size);
        for (const wanted of keys) {
          const found: string[] = [];
          tree.visit(wanted, (value) => found.push(value));
          const expected = [...list.values()]
            .filter(({ interval: { from, to } }) => from <= wanted && (to === undefined || wanted < to))
            .map(({ value }) => value);
          expect(found.sort()).toEqual(expected.sort());
        }
      }),
      { numRuns: 500 },
    );
  });

  it("stays shallow when intervals come in order", () => {
    const tree = new IntervalTree<number>();
    const text = (at: number): string => String(at).padStart(6, "0");
    for (let at = 0; at < 20_000; at += 1) tree.add({ from: text(at), to: text(at + 1) }, at);
    // A degenerate tree would overflow the stack long before.
    const found: number[] = [];
    tree.visit(text(12_345), (value) => found.push(value));
    expect(found).toEqual([12_345]);
    for (let at = 0; at < 20_000; at += 2) tree.delete({ from: text(at), to: text(at + 1) }, at);
    expect(tree.size).toBe(10_000);
  });
});
