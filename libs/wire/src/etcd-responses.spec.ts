import { utf8 } from "@quorate/base";
import type { KeyValue, LeaseId, ResponseOp, Revision } from "@quorate/mvcc";
import fc from "fast-check";
import { wireAlarm } from "./alarms";
import { ResponseEncoder } from "./etcd-responses";
import { wireId } from "./int64";
import { etcdserverpb } from "./protocol";

const { RangeResponse, PutResponse, DeleteRangeResponse, TxnResponse, CompactionResponse } = etcdserverpb;
const origin = { clusterId: 0xcdf8_1818_e32a_bd24n, memberId: 0x8e9e_05c5_2164_694dn };
const encoder = new ResponseEncoder(origin);
const wireOrigin = { clusterId: wireId(origin.clusterId), memberId: wireId(origin.memberId) };

function revision(value: number): Revision {
  return value as Revision;
}

function keyValue(key: string, fields: Partial<KeyValue> = {}): KeyValue {
  return {
    key: utf8(key),
    createRevision: revision(2),
    modRevision: revision(3),
    version: 2,
    value: utf8(`value of ${key}`),
    lease: 0n as LeaseId,
    ...fields,
  };
}

function wireKeyValue({ lease, ...kv }: KeyValue) {
  return { ...kv, lease: wireId(lease) };
}

/** The reference: protobufjs' own encoding of the same message. */
function expectBytes(actual: Uint8Array, expected: { finish(): Uint8Array }): void {
  expect(Buffer.from(actual).toString("hex")).toBe(Buffer.from(expected.finish()).toString("hex"));
}

describe("ResponseEncoder", () => {
  it("writes ranges", () => {
    const kvs = [keyValue("a"), keyValue("b", { value: new Uint8Array(300).fill(7), lease: -5n as LeaseId })];
    expectBytes(
      encoder.range({ revision: revision(2 ** 40), kvs, more: true, count: 5 }, 7),
      RangeResponse.encode({
        header: { ...wireOrigin, revision: 2 ** 40, raftTerm: 7 },
        kvs: kvs.map(wireKeyValue),
        more: true,
        count: 5,
      }),
    );
  });

  it("leaves out what is zero or absent", () => {
    expectBytes(
      encoder.range({ revision: revision(1), kvs: [], more: false, count: 0 }, 0),
      RangeResponse.encode({ header: { ...wireOrigin, revision: 1 } }),
    );
    expectBytes(
      encoder.put({ revision: revision(4), prevKv: undefined }, 2),
      PutResponse.encode({ header: { ...wireOrigin, revision: 4, raftTerm: 2 } }),
    );
    expectBytes(
      encoder.compact({ revision: revision(4) }, 2),
      CompactionResponse.encode({ header: { ...wireOrigin, revision: 4, raftTerm: 2 } }),
    );
  });

  it("writes previous key-values", () => {
    const header = { ...wireOrigin, revision: 9, raftTerm: 2 };
    const kv = keyValue("a");
    expectBytes(
      encoder.put({ revision: revision(9), prevKv: kv }, 2),
      PutResponse.encode({ header, prevKv: wireKeyValue(kv) }),
    );
    expectBytes(
      encoder.deleteRange({ revision: revision(9), deleted: 2, prevKvs: [kv, keyValue("b")] }, 2),
      DeleteRangeResponse.encode({ header, deleted: 2, prevKvs: [kv, keyValue("b")].map(wireKeyValue) }),
    );
  });

  it("gives nested responses a header of the revision only, and nested transactions an empty one", () => {
    const kv = keyValue("a");
    const responses: ResponseOp[] = [
      { kind: "range", response: { revision: revision(8), kvs: [kv], more: false, count: 1 } },
      { kind: "put", response: { revision: revision(9), prevKv: undefined } },
      { kind: "delete-range", response: { revision: revision(9), deleted: 1, prevKvs: [] } },
      { kind: "txn", response: { revision: revision(9), succeeded: true, responses: [] } },
    ];
    expectBytes(
      encoder.txn({ revision: revision(9), succeeded: true, responses }, 3),
      TxnResponse.encode({
        header: { ...wireOrigin, revision: 9, raftTerm: 3 },
        succeeded: true,
        responses: [
          { responseRange: { header: { revision: 8 }, kvs: [wireKeyValue(kv)], count: 1 } },
          { responsePut: { header: { revision: 9 } } },
          { responseDeleteRange: { header: { revision: 9 }, deleted: 1 } },
          { responseTxn: { header: {}, succeeded: true } },
        ],
      }),
    );
  });

  it("agrees with protobufjs on any key-value", () => {
    const anyKeyValue = fc.record({
      key: fc.uint8Array({ maxLength: 200 }),
      createRevision: fc.maxSafeNat().map(revision),
      modRevision: fc.maxSafeNat().map(revision),
      version: fc.maxSafeNat(),
      value: fc.uint8Array({ maxLength: 200 }),
      lease: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((id) => id as LeaseId),
    });
    fc.assert(
      fc.property(fc.array(anyKeyValue, { maxLength: 5 }), (kvs) => {
        expectBytes(
          encoder.range({ revision: revision(1), kvs, more: false, count: kvs.length }, 1),
          RangeResponse.encode({
            header: { ...wireOrigin, revision: 1, raftTerm: 1 },
            kvs: kvs.map(wireKeyValue),
            count: kvs.length,
          }),
        );
      }),
    );
  });

  it("writes what is told about leases and alarms", () => {
    const id = -3n as LeaseId;
    const header = { ...wireOrigin, revision: 4, raftTerm: 2 };
    const ID = wireId(id);
    expectBytes(
      encoder.leaseGrant({ revision: revision(4), id, ttlSeconds: 9e9 }, 2),
      etcdserverpb.LeaseGrantResponse.encode({ header, ID, TTL: 9e9 }),
    );
    expectBytes(
      encoder.leaseKeepAlive({ revision: revision(4), id, ttlSeconds: 0 }, 2),
      etcdserverpb.LeaseKeepAliveResponse.encode({ header, ID }),
    );
    expectBytes(
      encoder.leaseRevoke({ revision: revision(4) }, 2),
      etcdserverpb.LeaseRevokeResponse.encode({ header }),
    );
    const keys = [utf8("a"), utf8("b")];
    expectBytes(
      encoder.leaseTimeToLive(
        { revision: revision(4), id, remainingSeconds: -1, grantedSeconds: 9, keys },
        2,
      ),
      etcdserverpb.LeaseTimeToLiveResponse.encode({ header, ID, TTL: -1, grantedTTL: 9, keys }),
    );
    expectBytes(
      encoder.leases({ revision: revision(4), ids: [id, 7n as LeaseId] }, 2),
      etcdserverpb.LeaseLeasesResponse.encode({ header, leases: [{ ID }, { ID: 7 }] }),
    );
    const alarms = [
      { type: "no-space", memberId: 9n },
      { type: "corrupt", memberId: 0n },
    ] as const;
    expectBytes(
      encoder.alarms({ revision: revision(4), alarms }, 2),
      etcdserverpb.AlarmResponse.encode({ header, alarms: alarms.map(wireAlarm) }),
    );
  });
});
