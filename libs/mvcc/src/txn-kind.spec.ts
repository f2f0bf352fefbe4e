import { compareOf, putRequest, rangeRequest, txnRequest } from "./testing/requests";
import { isReadOnlyTxn, isSerializableTxn } from "./txn-kind";
import type { RequestOp } from "./types";

const read = (serializable: boolean): RequestOp => ({
  kind: "range",
  request: rangeRequest("a", undefined, { serializable }),
});
const compare = [compareOf("a", { kind: "version", operand: 0 })];

describe("a transaction", () => {
  it("is read-only if both branches hold only ranges", () => {
    expect(isReadOnlyTxn(txnRequest({ success: [read(false)], failure: [read(true)] }))).toBe(true);
    expect(isReadOnlyTxn(txnRequest({ compare }))).toBe(true);
    expect(isReadOnlyTxn(txnRequest({ failure: [{ kind: "put", request: putRequest("a") }] }))).toBe(false);
  });

  it("is not read-only with a nested transaction, even one that only reads", () => {
    const nested: RequestOp = { kind: "txn", request: txnRequest({ success: [read(true)] }) };
    expect(isReadOnlyTxn(txnRequest({ success: [nested] }))).toBe(false);
    expect(isSerializableTxn(txnRequest({ success: [nested] }))).toBe(false);
  });

  it("is serializable if every range of both branches is, or if it has no operation", () => {
    expect(isSerializableTxn(txnRequest({ success: [read(true)], failure: [read(true)] }))).toBe(true);
    expect(isSerializableTxn(txnRequest({ success: [read(true)], failure: [read(false)] }))).toBe(false);
    expect(isSerializableTxn(txnRequest({ compare }))).toBe(true);
  });
});
