import { deleteRequest, compareOf, lease, putRequest, rangeRequest, txnRequest } from "./testing/requests";
import type { RequestOp, TxnRequest } from "./types";
import { validateDeleteRange, validatePut, validateRange, validateTxn } from "./validation";

const put = (key: string): RequestOp => ({ kind: "put", request: putRequest(key) });
const del = (key: string, end?: string): RequestOp => ({
  kind: "delete-range",
  request: deleteRequest(key, end),
});
const get = (key: string): RequestOp => ({ kind: "range", request: rangeRequest(key) });
const nested = (success: RequestOp[], failure: RequestOp[] = []): RequestOp => ({
  kind: "txn",
  request: txnRequest({ success, failure }),
});
const codeOf = (txn: Partial<TxnRequest>, txnOpsMax = 128): string | undefined =>
  validateTxn(txnRequest(txn), { txnOpsMax })?.code;

describe("validation of a single request", () => {
  it("wants a key, then sort options that it knows", () => {
    expect(validateRange(rangeRequest("", undefined, { sortOrder: "unknown" }))?.code).toBe(
      "key-not-provided",
    );
    expect(validateRange(rangeRequest("a", undefined, { sortOrder: "unknown" }))?.code).toBe(
      "invalid-sort-option",
    );
    expect(validateRange(rangeRequest("a", undefined, { sortTarget: "unknown" }))?.code).toBe(
      "invalid-sort-option",
    );
    expect(validateRange(rangeRequest("a"))).toBeUndefined();
    expect(validateDeleteRange(deleteRequest(""))?.code).toBe("key-not-provided");
    expect(validateDeleteRange(deleteRequest("a"))).toBeUndefined();
  });

  it("wants no value or lease that is to be ignored", () => {
    const ignoring = { ignoreValue: true, ignoreLease: true };
    expect(validatePut(putRequest("", "v", ignoring))?.code).toBe("key-not-provided");
    expect(validatePut(putRequest("a", "v", { ...ignoring, lease: lease(1n) }))?.code).toBe("value-provided");
    expect(validatePut(putRequest("a", "", { ...ignoring, lease: lease(1n) }))?.code).toBe("lease-provided");
    expect(validatePut(putRequest("a", "", ignoring))).toBeUndefined();
  });
});

describe("validation of a transaction", () => {
  it("bounds the longest of its lists, and nested ones by what is left", () => {
    expect(codeOf({ success: [get("a"), get("a"), get("a")] }, 2)).toBe("too-many-operations");
    expect(codeOf({ failure: [get("a"), get("a"), get("a")] }, 2)).toBe("too-many-operations");
    const compare = compareOf("a", { kind: "version", operand: 0 });
    expect(codeOf({ compare: [compare, compare, compare] }, 2)).toBe("too-many-operations");
    expect(codeOf({ success: [nested([get("a"), get("b")])] }, 2)).toBe("too-many-operations");
    expect(codeOf({ success: [nested([get("a"), get("b")])] }, 3)).toBeUndefined();
    expect(
      codeOf({ success: [nested([get("a"), get("b")]), nested([get("a"), get("b")])] }, 4),
    ).toBeUndefined();
  });

  it("reports the number of operations before keys, compares before operations, each of those before duplicates", () => {
    const noKey = compareOf("", { kind: "version", operand: 0 });
    expect(codeOf({ compare: [noKey], success: [get("a"), get("a")] }, 1)).toBe("too-many-operations");
    expect(codeOf({ compare: [noKey], success: [{ kind: "none" }] })).toBe("key-not-provided");
    expect(codeOf({ success: [{ kind: "none" }], failure: [get("")] })).toBe("empty-operation");
    expect(codeOf({ success: [put("a"), put("a")], failure: [get("")] })).toBe("key-not-provided");
    expect(codeOf({ success: [nested([put("a"), put("a"), { kind: "none" }])] })).toBe("empty-operation");
  });

  it.each<[string, RequestOp[], boolean]>([
    ["the same key put twice", [put("a"), put("a")], true],
    ["two keys", [put("a"), put("aa")], false],
    ["a put and a delete of its key", [put("a"), del("a")], true],
    ["a delete of the key before the put", [del("a"), put("a")], true],
    ["a put inside a deleted range", [del("a", "c"), put("b")], true],
    ["a put at the end of a deleted range", [del("a", "c"), put("c")], false],
    ["a put in a range that ends before it starts", [del("c", "a"), put("b")], false],
    ["a put behind the start of a delete to the very end", [del("a", "\0"), put("b")], false],
    ["overlapping deletes", [del("a", "c"), del("b", "d"), del("b")], false],
    ["a put between two deleted ranges", [del("a", "b"), del("c", "d"), put("b")], false],
    ["a put in the shorter of two ranges with one start", [del("a", "b"), del("a", "z"), put("m")], true],
    ["a read of a key that is put", [get("a"), put("a")], false],
    ["a put and a nested put of the key", [put("a"), nested([put("a")])], true],
    ["a put and a nested delete of the key", [put("a"), nested([], [del("a")])], true],
    ["a nested put in a range deleted outside", [nested([put("b")]), del("a", "c")], true],
    ["the same key in both branches of one nested transaction", [nested([put("a")], [put("a")])], false],
    ["the same key twice in one nested branch", [nested([], [put("a"), put("a")])], true],
    ["the same key in two nested transactions", [nested([put("a")]), nested([], [put("a")])], true],
    ["a nested delete before a nested put", [nested([del("a")]), nested([put("a")])], true],
    [
      "a nested put before a nested delete, which etcd overlooks",
      [nested([put("a")]), nested([del("a")])],
      false,
    ],
    ["a put two levels down", [put("a"), nested([nested([put("a")])])], true],
  ])("of %s: duplicate or not", (_case, success, duplicate) => {
    expect(codeOf({ success })).toBe(duplicate ? "duplicate-key" : undefined);
    expect(codeOf({ failure: success })).toBe(duplicate ? "duplicate-key" : undefined);
  });

  it("lets the two branches of a transaction put the same key", () => {
    expect(codeOf({ success: [put("a")], failure: [put("a"), del("b")] })).toBeUndefined();
  });

  it("stays fast for a request full of puts and deletes", () => {
    const many = (from: number): RequestOp[] => Array.from({ length: 64 }, (_op, n) => put(`p${from + n}`));
    const deletes = Array.from({ length: 64 }, (_op, n) => del(`d${n}`, `d${n}x`));
    const success = Array.from({ length: 64 }, (_op, n) => nested(many(n * 64), deletes));
    expect(codeOf({ success })).toBeUndefined();
  });
});
