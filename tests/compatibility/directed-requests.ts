import { etcdserverpb } from "@quorate/wire";

import { everyOf, latin1, type KvRequest } from "./request-generator";

type Op = etcdserverpb.RequestOp.$Properties;
type Put = etcdserverpb.PutRequest.$Properties;
type Range = etcdserverpb.RangeRequest.$Properties;
type Txn = etcdserverpb.TxnRequest.$Properties;
type Compare = etcdserverpb.Compare.$Properties;

/** A situation that chance seldom produces. Its requests are sent in order; what earlier cases left behind stays. */
export interface DirectedCase {
  readonly name: string;
  readonly requests: readonly KvRequest[];
}

const { CompareResult, CompareTarget } = etcdserverpb.Compare;
const { SortOrder, SortTarget } = etcdserverpb.RangeRequest;
const key = latin1("directed/a");
const absent = latin1("directed/absent");
const otherKey = latin1("directed/b");
const folder = { key: latin1("directed/"), rangeEnd: latin1("directed0") };
const value = latin1("v");
const maxRequestBytes = 1_572_864;
/** A number that no enum of the API has, but any client can send. */
const unnamed = 9 as never;

const put = (request: Put): KvRequest => ({ method: "put", request });
const range = (request: Range): KvRequest => ({ method: "range", request });
const txn = (request: Txn): KvRequest => ({ method: "txn", request });
const compact = (revision: number, physical = false): KvRequest => ({
  method: "compact",
  request: { revision, physical },
});
const hashKv = (revision: number): KvRequest => ({ method: "hashKv", request: { revision } });

const grant = (request: etcdserverpb.LeaseGrantRequest.$Properties): KvRequest => ({
  method: "leaseGrant",
  request,
});
const revoke = (ID: number): KvRequest => ({ method: "leaseRevoke", request: { ID } });

const putOp = (request: Put): Op => ({ requestPut: request });
const rangeOp = (request: Range): Op => ({ requestRange: request });
const deleteOp = (request: etcdserverpb.DeleteRangeRequest.$Properties): Op => ({
  requestDeleteRange: request,
});
const txnOp = (request: Txn): Op => ({ requestTxn: request });

const many = <T>(count: number, make: (at: number) => T): T[] =>
  Array.from({ length: count }, (_, at) => make(at));
const distinctPut = (at: number): Op => putOp({ key: latin1(`directed/many/${at}`), value });
/** Holds on every store: the key was never put. */
const never: Compare = {
  target: CompareTarget.CREATE,
  result: CompareResult.EQUAL,
  key: latin1("directed/never"),
  createRevision: 0,
};

/** A transaction in a transaction, `depth` levels of them, with a put at the bottom. */
function nested(depth: number): Txn {
  return depth === 0 ? { success: [putOp({ key, value })] } : { success: [txnOp(nested(depth - 1))] };
}

export const directedCases: readonly DirectedCase[] = [
  {
    name: "empty keys",
    requests: [
      range({}),
      put({ value }),
      { method: "deleteRange", request: {} },
      txn({ success: [putOp({ value })] }),
      txn({ failure: [rangeOp({ rangeEnd: latin1("x") })] }),
      txn({ compare: [{ target: CompareTarget.VERSION, result: CompareResult.EQUAL, version: 0 }] }),
    ],
  },
  {
    name: "contradictory puts",
    requests: [
      put({ key, value, ignoreValue: true }),
      put({ key, value, lease: 1, ignoreLease: true }),
      put({ key, value, lease: 1, ignoreLease: true, ignoreValue: true }),
      put({ key: absent, ignoreValue: true }),
      put({ key: absent, value, ignoreLease: true }),
      put({ key: absent, ignoreValue: true, ignoreLease: true }),
    ],
  },
  {
    name: "a lease that does not exist",
    requests: [
      put({ key, value, lease: 12345 }),
      put({ key: absent, lease: 12345, ignoreValue: true }),
      txn({ success: [putOp({ key, value }), putOp({ key: otherKey, value, lease: 12345 })] }),
      range(folder),
    ],
  },
  {
    name: "as many operations as a txn may have, and one more",
    requests: [
      txn({ success: many(128, distinctPut) }),
      txn({ success: many(129, distinctPut) }),
      txn({ failure: many(129, distinctPut) }),
      txn({ compare: many(129, () => never) }),
      txn({
        compare: many(128, () => never),
        success: many(128, distinctPut),
        failure: many(128, distinctPut),
      }),
      txn({ success: [...many(126, distinctPut), txnOp({ success: [putOp({ key, value })] })] }),
      txn({ success: [...many(127, distinctPut), txnOp({ success: [putOp({ key, value })] })] }),
      txn({ success: [...many(127, distinctPut), txnOp({})] }),
      txn(nested(4)),
    ],
  },
  {
    name: "one key twice in a txn",
    requests: [
      txn({ success: [putOp({ key, value }), putOp({ key, value })] }),
      txn({ success: [putOp({ key, value })], failure: [putOp({ key, value })] }),
      txn({ success: [putOp({ key, value }), deleteOp({ key })] }),
      txn({ success: [deleteOp(folder), putOp({ key, value })] }),
      txn({ success: [deleteOp(folder), deleteOp({ key })] }),
      txn({ success: [putOp({ key, value }), rangeOp(folder), rangeOp({ key })] }),
      txn({ success: [putOp({ key, value }), txnOp({ success: [putOp({ key, value })] })] }),
      txn({ success: [putOp({ key, value }), txnOp({ failure: [deleteOp({ key })] })] }),
      txn({ success: [txnOp({ success: [putOp({ key, value })], failure: [putOp({ key, value })] })] }),
      txn({
        success: [txnOp({ success: [putOp({ key, value })] }), txnOp({ failure: [putOp({ key, value })] })],
      }),
      txn({ success: [txnOp({ success: [deleteOp(folder)] }), txnOp({ success: [putOp({ key, value })] })] }),
      txn({ success: [deleteOp({ key, rangeEnd: latin1("\x00") }), putOp({ key, value })] }),
      txn({ success: [putOp({ key, value }), deleteOp({ key, rangeEnd: latin1("\x00") })] }),
      txn({ success: [putOp({ key, value }), deleteOp({ key: latin1("\x00"), rangeEnd: latin1("\x00") })] }),
      txn({ success: [putOp({ key, value }), deleteOp({ key: otherKey, rangeEnd: key })] }),
      range(folder),
    ],
  },
  {
    name: "several mistakes in one txn, of which one is reported",
    requests: [
      txn({ success: [rangeOp({ key, revision: 1e15 }), putOp({ key: absent, ignoreValue: true })] }),
      txn({ success: [putOp({ key: absent, ignoreValue: true }), rangeOp({ key, revision: 1e15 })] }),
      txn({
        success: [
          txnOp({ success: [rangeOp({ key, revision: 1e15 })] }),
          putOp({ key: absent, ignoreLease: true }),
        ],
      }),
      txn({ success: [putOp({ key, lease: 12345 }), putOp({ key: absent, ignoreValue: true })] }),
      txn({ success: [putOp({ key: absent, ignoreValue: true }), putOp({ key, lease: 12345 })] }),
      txn({ success: [putOp({ key: absent, lease: 12345, ignoreValue: true })] }),
      txn({ success: [putOp({ key, value }), putOp({ key, value }), putOp({ value })] }),
      txn({ success: [putOp({ key, value, ignoreValue: true }), {}] }),
      txn({ success: [{}, putOp({ key, value, ignoreValue: true })], failure: [putOp({ value })] }),
      txn({ compare: [{ result: CompareResult.EQUAL }], success: many(129, distinctPut) }),
    ],
  },
  {
    name: "operations that are empty, in either branch",
    requests: [
      txn({ success: [{}] }),
      txn({ failure: [{}] }),
      txn({ success: [txnOp({ failure: [{}] })] }),
      txn({}),
    ],
  },
  {
    name: "reads inside a writing txn",
    requests: [
      put({ key, value: latin1("before") }),
      txn({
        success: [
          rangeOp({ key }),
          putOp({ key, value: latin1("after"), prevKv: true }),
          rangeOp({ key }),
          putOp({ key: otherKey, value }),
          rangeOp({ ...folder, countOnly: true }),
          rangeOp({ key, revision: 1 }),
        ],
      }),
      txn({
        success: [
          putOp({ key: latin1("directed/c"), value }),
          txnOp({
            // The path is fixed before any operation runs: this key does not exist yet.
            compare: [
              {
                target: CompareTarget.CREATE,
                result: CompareResult.EQUAL,
                key: latin1("directed/c"),
                createRevision: 0,
              },
            ],
            success: [rangeOp({ key: latin1("directed/c") })],
            failure: [deleteOp(folder)],
          }),
          deleteOp({ key: otherKey, prevKv: true }),
          deleteOp({ key: otherKey, prevKv: true }),
        ],
      }),
      txn({ success: [putOp({ key, value }), rangeOp({ key, revision: Number.MAX_SAFE_INTEGER })] }),
      txn({
        success: [rangeOp(folder), txnOp({ success: [rangeOp(folder)] })],
        failure: [putOp({ key, value })],
      }),
      range(folder),
    ],
  },
  {
    name: "compares of ranges and of keys that do not exist",
    requests: everyOf(CompareResult).flatMap((result) => [
      txn({ compare: [{ target: CompareTarget.VALUE, result, key: latin1("directed/never"), value }] }),
      txn({
        compare: [
          {
            target: CompareTarget.VALUE,
            result,
            key: latin1("nothing/"),
            rangeEnd: latin1("nothing0"),
            value,
          },
        ],
      }),
      txn({
        compare: [
          {
            target: CompareTarget.CREATE,
            result,
            key: latin1("nothing/"),
            rangeEnd: latin1("nothing0"),
            createRevision: 0,
          },
        ],
      }),
      txn({ compare: [{ target: CompareTarget.VERSION, result, ...folder, version: 1 }] }),
      txn({ compare: [{ target: CompareTarget.MOD, result, key: otherKey, rangeEnd: key, modRevision: 0 }] }),
      txn({ compare: [{ target: CompareTarget.VERSION, result, key }] }),
      txn({ compare: [{ target: CompareTarget.MOD, result, key, version: 1 }] }),
      txn({ compare: [{ target: CompareTarget.VALUE, result, key }] }),
    ]),
  },
  {
    name: "enum numbers that have no name",
    requests: [
      txn({ compare: [{ target: unnamed, result: CompareResult.EQUAL, key }] }),
      txn({ compare: [{ target: CompareTarget.VERSION, result: unnamed, key, version: 0 }] }),
    ],
  },
  {
    name: "hashes before the first compaction",
    requests: [0, 1, 2, 3, 10, -1, Number.MAX_SAFE_INTEGER].map(hashKv),
  },
  {
    name: "compaction at its limits",
    requests: [
      compact(0),
      compact(0),
      compact(-1),
      compact(Number.MAX_SAFE_INTEGER),
      put({ key, value }),
      compact(3),
      compact(3),
      compact(2),
      range({ ...folder, revision: 2 }),
      range({ ...folder, revision: 3 }),
      range({ ...folder, revision: 2, countOnly: true }),
      range({ ...folder, revision: Number.MAX_SAFE_INTEGER, countOnly: true }),
      range({ ...folder, revision: -5 }),
      txn({ success: [rangeOp({ key, revision: 2 })] }),
      txn({ success: [rangeOp({ key, revision: -5 })] }),
      txn({ success: [putOp({ key, value }), rangeOp({ key, revision: 2 })] }),
    ],
  },
  {
    name: "hashes after a compaction, and one that waits for its rows to be gone",
    requests: [
      hashKv(0),
      hashKv(2),
      hashKv(3),
      hashKv(4),
      compact(5, true),
      compact(5, true),
      hashKv(4),
      hashKv(0),
    ],
  },
  {
    name: "limits, filters and counts together",
    requests: everyOf(SortTarget).flatMap((sortTarget) =>
      everyOf(SortOrder).flatMap((sortOrder) => [
        range({ ...folder, sortTarget, sortOrder, limit: 3 }),
        range({ ...folder, sortTarget, sortOrder, limit: 3, keysOnly: true, minModRevision: 5 }),
        range({ ...folder, sortTarget, sortOrder, limit: 3, countOnly: true, maxCreateRevision: 5 }),
      ]),
    ),
  },
  {
    name: "leases: granted, attached, detached, revoked",
    requests: [
      grant({ TTL: 1, ID: 5 }),
      grant({ TTL: 1000, ID: 6 }),
      grant({ TTL: 1000, ID: 6 }),
      grant({ TTL: 0, ID: 7 }),
      grant({ TTL: -1, ID: -7 }),
      grant({ TTL: 9_000_000_000, ID: 8 }),
      grant({ TTL: 9_000_000_001, ID: 9 }),
      grant({ TTL: 9_000_000_001, ID: 6 }),
      put({ key, value, lease: 6 }),
      put({ key: otherKey, value, lease: 6, prevKv: true }),
      put({ key: latin1("directed/c"), value, lease: 6 }),
      range(folder),
      put({ key: otherKey, ignoreLease: true, value: latin1("kept") }),
      put({ key: otherKey, ignoreValue: true, lease: 8 }),
      put({ key: latin1("directed/c"), value }),
      range(folder),
      txn({
        compare: [{ target: CompareTarget.LEASE, result: CompareResult.EQUAL, key, lease: 6 }],
        success: [putOp({ key: latin1("directed/d"), value, lease: 6 }), rangeOp(folder)],
      }),
      txn({ success: [putOp({ key: latin1("directed/e"), value }), putOp({ key, value, lease: 404 })] }),
      { method: "leaseTimeToLive", request: { ID: 404, keys: true } },
      revoke(404),
      revoke(0),
      { method: "deleteRange", request: { key, prevKv: true } },
      put({ key, value: latin1("again"), lease: 6 }),
      revoke(6),
      revoke(6),
      range(folder),
      put({ key, value, lease: 6 }),
      grant({ TTL: 1000, ID: 6 }),
      put({ key, value, lease: 6 }),
      range({ ...folder, keysOnly: true }),
      revoke(6),
      revoke(8),
      range({ ...folder, countOnly: true }),
    ],
  },
  {
    name: "requests of the largest size, and larger",
    requests: [
      put({ key, value: new Uint8Array(maxRequestBytes - 512) }),
      put({ key, value: new Uint8Array(maxRequestBytes) }),
      put({ key, value: new Uint8Array(maxRequestBytes + 500_000) }),
      put({ key, value: new Uint8Array(2 * 1024 * 1024 + 512) }),
      put({ key: new Uint8Array(70_000).fill(0x6b), value }),
      { method: "deleteRange", request: { key: latin1("kkk"), rangeEnd: latin1("kkl") } },
      put({ key, value }),
    ],
  },
];
