import { textOf } from "@quorate/base";
import { range, rangeSlice, SORTED_BYTES_MAX } from "./range";
import { MvccFixture, shown } from "./testing/mvcc-fixture";
import { lease, putRequest, rangeRequest, revision } from "./testing/requests";
import type { RangeRequest, RangeResponse } from "./types";

const zero = Uint8Array.of(0);

/** create/mod/version: a 2/6/2, b 3/3/1, c 4/7/3, d 8/8/1; values run against the keys. */
function letters(): MvccFixture {
  const store = new MvccFixture();
  for (const [key, value] of ["a4", "b3", "c-", "c-", "a4", "c2", "d1"].map((text) => [text[0]!, text[1]!])) {
    store.write((session) => session.put(putRequest(key!, value, { lease: lease(9n) })));
  }
  return store;
}

function ask(rest: Partial<RangeRequest>): RangeResponse {
  const store = letters();
  return range(store, rangeRequest(zero, zero, rest), store.revision);
}

function keys(response: RangeResponse): string {
  return response.kvs.map((kv) => textOf(kv.key)).join("") + (response.more ? "+" : "");
}

describe("range", () => {
  it.each<[string, Partial<RangeRequest>, string]>([
    ["comes in key order", {}, "abcd"],
    ["stops at the limit and says that there is more", { limit: 3 }, "abc+"],
    ["has no more when the limit is just enough", { limit: 4 }, "abcd"],
    ["takes a negative limit for none", { limit: -1 }, "abcd"],
    ["sorts by key downwards", { sortOrder: "descend" }, "dcba"],
    ["sorts by version upwards", { sortTarget: "version", sortOrder: "ascend" }, "bdac"],
    ["sorts by create revision downwards", { sortTarget: "create", sortOrder: "descend" }, "dcba"],
    ["sorts by mod revision upwards", { sortTarget: "mod", sortOrder: "ascend" }, "bacd"],
    ["sorts by value upwards", { sortTarget: "value", sortOrder: "ascend" }, "dcba"],
    [
      "applies the limit after an explicit order",
      { sortTarget: "value", sortOrder: "ascend", limit: 2 },
      "dc+",
    ],
    [
      "applies the limit before an order that only the target implies",
      { sortTarget: "value", limit: 2 },
      "cb+",
    ],
    [
      "applies filters before limit and implied order",
      { sortTarget: "value", limit: 2, minModRevision: revision(4) },
      "dc+",
    ],
    ["keeps mod revisions from the lower bound on", { minModRevision: revision(7) }, "cd"],
    ["keeps mod revisions up to the upper bound", { maxModRevision: revision(6) }, "ab"],
    ["keeps create revisions from the lower bound on", { minCreateRevision: revision(4) }, "cd"],
    ["keeps create revisions up to the upper bound", { maxCreateRevision: revision(3) }, "ab"],
    ["keeps nothing below a negative upper bound", { maxModRevision: revision(-1) }, ""],
    ["applies the limit after filters", { minModRevision: revision(6), limit: 2 }, "ac+"],
    ["shows a past revision", { revision: revision(4) }, "abc"],
    ["shows the empty store at revision 1", { revision: revision(1) }, ""],
    ["shows no keys when only counting", { countOnly: true, limit: 1 }, ""],
  ])("%s", (_rule, rest, expected) => {
    expect(keys(ask(rest))).toBe(expected);
  });

  it("counts all keys of the range at its revision, whatever limit and filters leave", () => {
    expect(ask({ limit: 1 }).count).toBe(4);
    expect(ask({ minModRevision: revision(8) }).count).toBe(4);
    expect(ask({ countOnly: true }).count).toBe(4);
    expect(ask({ revision: revision(3), limit: 1 }).count).toBe(2);
    expect(ask({ revision: revision(3), countOnly: true }).count).toBe(2);
  });

  it("answers at the current revision even when asked for a past one", () => {
    expect(ask({ revision: revision(3) }).revision).toBe(8);
  });

  it("leaves out values and leases when only keys are asked for", () => {
    const [kv] = ask({ keysOnly: true }).kvs;
    expect(kv).toMatchObject({
      value: new Uint8Array(0),
      lease: 0n,
      version: 2,
      createRevision: 2,
      modRevision: 6,
    });
  });

  it("keeps the lease, and sorts by the values it leaves out, when keys are asked for in value order", () => {
    const response = ask({ keysOnly: true, sortTarget: "value", sortOrder: "ascend" });
    expect(keys(response)).toBe("dcba");
    expect(response.kvs[0]).toMatchObject({ value: new Uint8Array(0), lease: 9n });
  });

  it("is empty, not an error, if the range ends before it starts", () => {
    const store = letters();
    expect(range(store, rangeRequest("c", "b"), store.revision)).toMatchObject({
      kvs: [],
      count: 0,
      more: false,
    });
  });

  it("looks up a single key", () => {
    const store = letters();
    expect(shown(range(store, rangeRequest("c"), store.revision).kvs)).toEqual(["c=2"]);
    expect(
      shown(range(store, rangeRequest("c", undefined, { revision: revision(5) }), store.revision).kvs),
    ).toEqual(["c=-"]);
    expect(range(store, rangeRequest("x", undefined, { countOnly: true }), store.revision).count).toBe(0);
  });
});

describe("rangeSlice", () => {
  /** All parts under such a budget each, put together; and how many there were. */
  function parts(
    request: RangeRequest,
    bytes: number,
    rows: number,
  ): { keys: string; count: number; parts: number } {
    const store = letters();
    let [from, found, count, more, asked] = [request.key, "", 0, false, 0];
    for (let next: Uint8Array | undefined = from; next !== undefined; asked += 1) {
      from = next;
      const slice = rangeSlice(store, { ...request, key: from }, store.revision, { bytes, rows });
      if ("error" in slice) throw new Error(slice.error.code);
      found += slice.response.kvs.map((kv) => textOf(kv.key)).join("");
      count += slice.response.count;
      more ||= slice.response.more;
      next = slice.next;
    }
    return { keys: found + (more ? "+" : ""), count, parts: asked };
  }

  it.each<[string, Partial<RangeRequest>]>([
    ["all keys", {}],
    ["filtered ones", { minModRevision: revision(7) }],
    ["a past revision", { revision: revision(6) }],
    ["keys alone", { keysOnly: true }],
    ["a count", { countOnly: true }],
    ["a count of the past", { countOnly: true, revision: revision(6) }],
  ])("gives %s in parts that are the range when put together", (_what, rest) => {
    const whole = ask(rest);
    const request = rangeRequest(zero, zero, rest);
    const expected = { keys: keys(whole), count: whole.count };
    expect(parts(request, Infinity, 1)).toMatchObject(expected);
    expect(parts(request, Infinity, 2)).toMatchObject(expected);
    expect(parts(request, 1, Infinity)).toMatchObject(expected);
    expect(parts(request, Infinity, 100)).toEqual({ ...expected, parts: 1 });
  });

  it("counts what lies behind the limit in parts, too", () => {
    const store = letters();
    const request = rangeRequest(zero, zero, { limit: 1 });
    const slice = rangeSlice(store, request, store.revision, { bytes: Infinity, rows: 3 });
    expect(slice).toMatchObject({ response: { count: 3, more: true }, next: Uint8Array.of(0x63, 0) });
  });

  it("reads nothing with a spent budget, and a single key with one that is not", () => {
    const store = letters();
    const request = rangeRequest("b");
    expect(rangeSlice(store, request, store.revision, { bytes: 0, rows: 5 })).toMatchObject({
      response: { kvs: [], count: 0 },
      next: request.key,
    });
    const budget = { bytes: 1, rows: 1 };
    const slice = rangeSlice(store, request, store.revision, budget);
    expect(slice).toMatchObject({ response: { count: 1 }, next: undefined });
    expect(budget.bytes).toBeLessThan(0);
  });

  it("gives a range in an order of its own whole, whatever the budget, unless it is too large for that", () => {
    const store = letters();
    const request = rangeRequest(zero, zero, { sortOrder: "descend" });
    const slice = rangeSlice(store, request, store.revision, { bytes: 1, rows: 1 });
    expect("error" in slice ? slice : keys(slice.response)).toBe("dcba");
    const value = "x".repeat(SORTED_BYTES_MAX / 2);
    for (const key of ["x", "y", "z"]) store.write((session) => session.put(putRequest(key, value)));
    expect(rangeSlice(store, request, store.revision, { bytes: 1, rows: 1 })).toMatchObject({
      error: { code: "range-too-large" },
    });
  });
});
