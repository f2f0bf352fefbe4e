import { utf8 } from "@quorate/base";
import Long from "long";
import { DecodeError } from "./errors";
import {
  decodeCompactRequest,
  decodeDeleteRangeRequest,
  decodePutRequest,
  decodeRangeRequest,
  decodeTxnRequest,
} from "./etcd-requests";
import { etcdserverpb } from "./protocol";

const { RangeRequest, PutRequest, DeleteRangeRequest, TxnRequest, CompactionRequest } = etcdserverpb;
const key = utf8("k");
/** A number that no enum of the API gives a name. */
const nameless: number = 9;

describe("decodeRangeRequest", () => {
  it("gives every field its default when nothing was sent", () => {
    expect(decodeRangeRequest(new Uint8Array(0))).toEqual({
      key: new Uint8Array(0),
      rangeEnd: undefined,
      limit: 0,
      revision: 0,
      sortOrder: "none",
      sortTarget: "key",
      serializable: false,
      keysOnly: false,
      countOnly: false,
      minModRevision: 0,
      maxModRevision: 0,
      minCreateRevision: 0,
      maxCreateRevision: 0,
    });
  });

  it("reads every field", () => {
    const bytes = RangeRequest.encode({
      key,
      rangeEnd: utf8("z"),
      limit: 10,
      revision: Long.fromNumber(2 ** 40),
      sortOrder: RangeRequest.SortOrder.DESCEND,
      sortTarget: RangeRequest.SortTarget.VALUE,
      serializable: true,
      keysOnly: true,
      countOnly: true,
      minModRevision: 1,
      maxModRevision: 2,
      minCreateRevision: 3,
      maxCreateRevision: Long.MAX_VALUE,
    }).finish();
    expect(decodeRangeRequest(bytes)).toMatchObject({
      limit: 10,
      revision: 2 ** 40,
      sortOrder: "descend",
      sortTarget: "value",
      serializable: true,
      keysOnly: true,
      countOnly: true,
      minModRevision: 1,
      maxModRevision: 2,
      minCreateRevision: 3,
      maxCreateRevision: Number.MAX_SAFE_INTEGER,
    });
    expect(Buffer.from(decodeRangeRequest(bytes).rangeEnd!).toString()).toBe("z");
  });

  it("tells a range end that is present but empty from an absent one", () => {
    expect(decodeRangeRequest(Uint8Array.of(0x0a, 1, 0x6b, 0x12, 0)).rangeEnd).toHaveLength(0);
    expect(decodeRangeRequest(Uint8Array.of(0x0a, 1, 0x6b)).rangeEnd).toBeUndefined();
    expect(decodeDeleteRangeRequest(Uint8Array.of(0x12, 0)).rangeEnd).toHaveLength(0);
    expect(decodeDeleteRangeRequest(Uint8Array.of()).rangeEnd).toBeUndefined();
  });

  it.each([3, 99, -1])("keeps the sort number %d as unknown, for validation to refuse", (number) => {
    const order = RangeRequest.encode({ sortOrder: number }).finish();
    const target = RangeRequest.encode({ sortTarget: number === 3 ? 5 : number }).finish();
    expect(decodeRangeRequest(order).sortOrder).toBe("unknown");
    expect(decodeRangeRequest(target).sortTarget).toBe("unknown");
  });

  it("refuses what is not a message", () => {
    expect(() => decodeRangeRequest(Uint8Array.of(0x0a, 5, 1))).toThrow(DecodeError);
  });
});

describe("decodePutRequest", () => {
  it("reads a lease as the signed 64-bit number that it is", () => {
    const bytes = PutRequest.encode({
      key,
      value: utf8("v"),
      lease: Long.fromString("-2"),
      prevKv: true,
    }).finish();
    expect(decodePutRequest(bytes)).toMatchObject({
      lease: -2n,
      prevKv: true,
      ignoreValue: false,
      ignoreLease: false,
    });
    expect(decodePutRequest(PutRequest.encode({ key }).finish()).lease).toBe(0n);
  });
});

describe("decodeTxnRequest", () => {
  const { CompareTarget, CompareResult } = etcdserverpb.Compare;

  function comparing(compare: etcdserverpb.Compare.$Properties) {
    return decodeTxnRequest(TxnRequest.encode({ compare: [compare] }).finish()).compare[0]!;
  }

  it("pairs each target with the value of its kind", () => {
    expect(
      comparing({ key, result: CompareResult.GREATER, target: CompareTarget.MOD, modRevision: 7 }),
    ).toMatchObject({
      result: "greater",
      target: { kind: "mod", operand: 7 },
      rangeEnd: undefined,
    });
    expect(comparing({ key, target: CompareTarget.CREATE, createRevision: 0 }).target).toEqual({
      kind: "create",
      operand: 0,
    });
    expect(comparing({ key, target: CompareTarget.LEASE, lease: 9 }).target).toEqual({
      kind: "lease",
      operand: 9n,
    });
    expect(comparing({ key, rangeEnd: new Uint8Array(0) }).rangeEnd).toHaveLength(0);
  });

  it("takes a value of another kind as 0 or empty", () => {
    expect(comparing({ key, target: CompareTarget.VERSION, modRevision: 7 }).target).toEqual({
      kind: "version",
      operand: 0,
    });
    expect(comparing({ key, target: CompareTarget.VALUE, version: 7 }).target).toEqual({
      kind: "value",
      operand: new Uint8Array(0),
    });
    expect(comparing({ key, target: CompareTarget.LEASE }).target).toEqual({ kind: "lease", operand: 0n });
  });

  it("refuses comparisons that it does not know", () => {
    expect(() => comparing({ key, result: nameless })).toThrow("result 9 is not known");
    expect(() => comparing({ key, target: nameless })).toThrow("target 9 is not known");
  });

  it("reads the operations of both branches, nested ones and empty ones", () => {
    const inner = { success: [{ requestPut: { key, value: key } }] };
    const bytes = TxnRequest.encode({
      success: [{ requestRange: { key } }, { requestTxn: inner }, {}],
      failure: [{ requestDeleteRange: { key } }],
    }).finish();
    const request = decodeTxnRequest(bytes);
    expect(request.success.map((op) => op.kind)).toEqual(["range", "txn", "none"]);
    expect(request.success[1]).toMatchObject({ kind: "txn", request: { success: [{ kind: "put" }] } });
    expect(request.failure.map((op) => op.kind)).toEqual(["delete-range"]);
  });

  it("follows transactions as deep as etcd's limit on operations lets them be", () => {
    let request: etcdserverpb.TxnRequest.$Properties = { success: [{ requestPut: { key } }] };
    for (let depth = 1; depth < 128; depth += 1) request = { success: [{ requestTxn: request }] };
    expect(() => decodeTxnRequest(TxnRequest.encode(request).finish())).not.toThrow();
  });

  it("refuses bottomless nesting instead of running out of stack", () => {
    let bytes: Uint8Array = new Uint8Array(0);
    for (let depth = 0; depth < 5000; depth += 1) bytes = delimited(0x12, delimited(0x22, bytes));
    expect(() => decodeTxnRequest(bytes)).toThrow(DecodeError);
  });

  function delimited(tag: number, content: Uint8Array): Uint8Array {
    const length: number[] = [];
    for (let rest = content.length; ; rest >>>= 7) {
      if (rest < 128) {
        length.push(rest);
        break;
      }
      length.push((rest & 127) | 128);
    }
    return Buffer.concat([Uint8Array.of(tag, ...length), content]);
  }
});

describe("decodeCompactRequest and decodeDeleteRangeRequest", () => {
  it("read their fields", () => {
    expect(decodeCompactRequest(CompactionRequest.encode({ revision: 5, physical: true }).finish())).toEqual({
      revision: 5,
      physical: true,
    });
    expect(decodeDeleteRangeRequest(DeleteRangeRequest.encode({ key, prevKv: true }).finish()).prevKv).toBe(
      true,
    );
  });
});
