import { everyKey, exactly, prefix } from "@quorate/client";
import { keyRange, rangeOptions } from "./range-flags";

describe("keyRange", () => {
  it("names one key, a prefix, or everything", () => {
    expect(keyRange("a", {})).toEqual(exactly("a"));
    expect(keyRange("a", { prefix: true })).toEqual(prefix("a"));
    expect(keyRange("", { prefix: true })).toEqual(everyKey());
  });

  it("refuses two ways to name a range, and the empty key", () => {
    expect(() => keyRange("a", { prefix: true, rangeEnd: "b" })).toThrow(/exclude one another/);
    expect(() => keyRange("", {})).toThrow(/The key is empty/);
  });
});

describe("rangeOptions", () => {
  it("reads etcdctl's words in either case", () => {
    expect(
      rangeOptions({ sortBy: "modify", order: "DESCEND", limit: "3", rev: "9", consistency: "s" }),
    ).toMatchObject({
      sortBy: "mod",
      order: "descending",
      limit: 3,
      revision: 9,
      serializable: true,
    });
  });

  it.each([
    { sortBy: "size" },
    { order: "up" },
    { limit: "-1" },
    { rev: "x" },
    { consistency: "q" },
    { keysOnly: true, countOnly: true },
  ])("refuses %p", (flags) => {
    expect(() => rangeOptions(flags)).toThrow();
  });
});
