import fc from "fast-check";
import { encodeCommandBatch, etcdserverpb, type RawCommand } from "@quorate/wire";
import { costOfBatch, costOfBatchMax } from "./quota-cost";

const { LeaseGrantRequest, PutRequest, TxnRequest } = etcdserverpb;
type Op = etcdserverpb.RequestOp.$Properties;

function bytesOf(length: number): Uint8Array {
  return new Uint8Array(length).fill(1);
}

function putOp(keyBytes: number, valueBytes: number): Op {
  return { requestPut: { key: bytesOf(keyBytes), value: bytesOf(valueBytes) } };
}

function txn(success: Op[], failure: Op[] = []): RawCommand {
  return { kind: "txn", bytes: TxnRequest.encode({ success, failure }).finish() };
}

const put: RawCommand = {
  kind: "put",
  bytes: PutRequest.encode({ key: bytesOf(3), value: bytesOf(40) }).finish(),
};

describe("what requests cost", () => {
  it.each<[string, RawCommand, number]>([
    ["a put", put, 256 + 43],
    ["a grant", { kind: "lease-grant", bytes: LeaseGrantRequest.encode({ ID: 1, TTL: 5 }).finish() }, 64],
    ["a transaction: its larger branch", txn([putOp(1, 1), putOp(1, 1)], [putOp(1, 100)]), 516],
    ["a nested one", txn([{ requestTxn: { success: [putOp(1, 1)], failure: [putOp(2, 8)] } }]), 266],
    ["a transaction that only deletes", txn([{ requestDeleteRange: { key: bytesOf(9) } }]), 0],
    ["a delete", { kind: "delete-range", bytes: PutRequest.encode({ key: bytesOf(9) }).finish() }, 0],
    ["a revoke", { kind: "lease-revoke", bytes: LeaseGrantRequest.encode({ ID: 1 }).finish() }, 0],
  ])("is what etcd counts for %s", (_what, command, bytes) => {
    expect(costOfBatch(encodeCommandBatch([command]))).toBe(bytes);
  });

  it("adds up over a batch, and is nothing for one that cannot be decoded", () => {
    expect(costOfBatch(encodeCommandBatch([put, put]))).toBe(598);
    expect(costOfBatch(Uint8Array.of(0xff))).toBe(0);
  });

  it("never exceeds what is assumed without decoding", () => {
    const ops = fc.array(fc.tuple(fc.nat({ max: 3 }), fc.nat({ max: 3 })), { maxLength: 20 });
    fc.assert(
      fc.property(fc.array(ops, { maxLength: 5 }), fc.nat({ max: 5 }), (lists, grants) => {
        const commands = [
          ...lists.map((list) => txn(list.map(([key, value]) => putOp(key, value)))),
          ...Array.from({ length: grants }, (): RawCommand => ({ kind: "lease-grant", bytes: bytesOf(0) })),
        ];
        const batch = encodeCommandBatch(commands);
        expect(costOfBatchMax(batch)).toBeGreaterThanOrEqual(costOfBatch(batch));
      }),
    );
  });
});
