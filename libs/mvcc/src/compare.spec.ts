import { utf8 } from "@quorate/base";
import { holds } from "./compare";
import { MvccFixture } from "./testing/mvcc-fixture";
import { compareOf, lease, putRequest } from "./testing/requests";
import type { Compare, CompareTarget } from "./types";

type Result = Compare["result"];

/** a: create 2, mod 4, version 2, value "m", lease 5. b: create 3, mod 3, version 1, value "z", no lease. */
const store = new MvccFixture();
store.write((session) => session.put(putRequest("a", "k")));
store.write((session) => session.put(putRequest("b", "z")));
store.write((session) => session.put(putRequest("a", "m", { lease: lease(5n) })));

const TRUE_FOR: Record<string, readonly Result[]> = {
  below: ["less", "not-equal"],
  same: ["equal"],
  above: ["greater", "not-equal"],
  never: [],
};
const RESULTS: readonly Result[] = ["equal", "greater", "less", "not-equal"];

describe("a compare", () => {
  it.each<[key: string, actual: string, target: CompareTarget]>([
    ["a", "same", { kind: "version", operand: 2 }],
    ["a", "below", { kind: "version", operand: 3 }],
    ["a", "above", { kind: "create", operand: 1 }],
    ["a", "same", { kind: "mod", operand: 4 }],
    ["a", "below", { kind: "mod", operand: Number.MAX_SAFE_INTEGER }],
    ["a", "same", { kind: "lease", operand: lease(5n) }],
    ["a", "above", { kind: "lease", operand: lease(-5n) }],
    ["a", "same", { kind: "value", operand: utf8("m") }],
    ["a", "below", { kind: "value", operand: utf8("ma") }],
    ["a", "above", { kind: "value", operand: utf8("") }],
    ["missing", "same", { kind: "version", operand: 0 }],
    ["missing", "below", { kind: "create", operand: 1 }],
    ["missing", "above", { kind: "mod", operand: -1 }],
    ["missing", "same", { kind: "lease", operand: lease(0n) }],
    ["missing", "below", { kind: "lease", operand: lease(1n) }],
    ["missing", "never", { kind: "value", operand: utf8("m") }],
  ])("of %s finds the actual %s the given %o", (key, actual, target) => {
    for (const result of RESULTS) {
      expect([result, holds(store, compareOf(key, target, result), store.revision)]).toEqual([
        result,
        TRUE_FOR[actual]!.includes(result),
      ]);
    }
  });

  it("of a range holds only if it holds for every key", () => {
    const over = (operand: number): boolean =>
      holds(store, compareOf("a", { kind: "mod", operand }, "greater", "c"), store.revision);
    expect(over(2)).toBe(true);
    expect(over(3)).toBe(false);
  });

  it("of a range without keys is a compare of one missing key", () => {
    const none = (target: CompareTarget): boolean =>
      holds(store, compareOf("x", target, "equal", "z"), store.revision);
    expect(none({ kind: "create", operand: 0 })).toBe(true);
    expect(none({ kind: "value", operand: utf8("") })).toBe(false);
  });
});
