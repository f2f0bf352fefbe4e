import * as fc from "fast-check";
import {
  NO_LEASE,
  type DeleteRangeRequest,
  type LeaseId,
  type PutRequest,
  type RangeRequest,
  type RequestOp,
  type Revision,
  type TxnRequest,
} from "../types";
import { validateTxn } from "../validation";
import type { NaiveCommand } from "./naive-store";

/*
 * Random requests over few keys, so that they meet. The keys hold zero and 0xff bytes and prefixes of each other:
 * whatever an encoding of keys could get wrong.
 */
const KEYS = [
  [0],
  [0, 0],
  [0, 0xff],
  [0x61],
  [0x61, 0],
  [0x61, 0, 1],
  [0x61, 0, 0xff],
  [0x61, 0x62],
  [0x61, 0xff],
]
  .concat([[0x62], [0xff], [0xff, 0xff]])
  .map((bytes) => Uint8Array.from(bytes));

const key = fc.constantFrom(...KEYS);
const value = fc.constantFrom(...["", "a", "ab", "b"].map((text) => new Uint8Array(Buffer.from(text))));
const rangeEnd = fc.oneof(
  { weight: 3, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.constant(new Uint8Array(0)) },
  { weight: 2, arbitrary: fc.constant(Uint8Array.of(0)) },
  { weight: 4, arbitrary: key },
);
const mostlyFalse = fc.integer({ min: 0, max: 7 }).map((n) => n === 0);
const bound = fc
  .oneof({ weight: 5, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: -1, max: 30 }) })
  .map((n) => n as Revision);

/** Requested revisions from here on are counted back from the current one: see `resolveRevisions`. */
const BACK = 1000;
const someRevision = fc.oneof(
  { weight: 1, arbitrary: fc.integer({ min: -3, max: 6 }) },
  { weight: 5, arbitrary: fc.integer({ min: BACK - 1, max: BACK + 15 }) },
);
const requestedRevision = fc
  .oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 3, arbitrary: someRevision })
  .map((n) => n as Revision);
const leaseId = fc
  .oneof({ weight: 8, arbitrary: fc.constant(NO_LEASE) }, { weight: 1, arbitrary: fc.constantFrom(7n, -1n) })
  .map((id) => id as LeaseId);

export const rangeRequests: fc.Arbitrary<RangeRequest> = fc.record({
  key,
  rangeEnd,
  limit: fc.integer({ min: -1, max: 4 }),
  revision: requestedRevision,
  sortOrder: fc.constantFrom("none", "none", "ascend", "descend"),
  sortTarget: fc.constantFrom("key", "key", "version", "create", "mod", "value"),
  serializable: fc.boolean(),
  keysOnly: mostlyFalse,
  countOnly: mostlyFalse,
  minModRevision: bound,
  maxModRevision: bound,
  minCreateRevision: bound,
  maxCreateRevision: bound,
});

export const putRequests: fc.Arbitrary<PutRequest> = fc
  .record({
    key,
    value,
    lease: leaseId,
    prevKv: fc.boolean(),
    ignoreValue: mostlyFalse,
    ignoreLease: mostlyFalse,
  })
  .map((put) => ({
    ...put,
    value: put.ignoreValue ? new Uint8Array(0) : put.value,
    lease: put.ignoreLease ? NO_LEASE : put.lease,
  }));

export const deleteRequests: fc.Arbitrary<DeleteRangeRequest> = fc.record({
  key,
  rangeEnd,
  prevKv: fc.boolean(),
});

const operand = fc.integer({ min: -1, max: 12 });
const compareTargets = fc.oneof(
  fc.record({ kind: fc.constantFrom("version", "create", "mod"), operand }),
  fc.record({ kind: fc.constant("lease"), operand: fc.constantFrom(0n, 7n, -1n).map((id) => id as LeaseId) }),
  fc.record({ kind: fc.constant("value"), operand: value }),
);
const compares = fc.record({
  key,
  rangeEnd,
  result: fc.constantFrom("equal", "greater", "less", "not-equal"),
  target: compareTargets,
});

const rangeOps = rangeRequests.map((request): RequestOp => ({ kind: "range", request }));
const flatOps: fc.Arbitrary<RequestOp> = fc.oneof(
  rangeOps,
  putRequests.map((request): RequestOp => ({ kind: "put", request })),
  deleteRequests.map((request): RequestOp => ({ kind: "delete-range", request })),
);

function txnsOf(ops: fc.Arbitrary<RequestOp>): fc.Arbitrary<TxnRequest> {
  const branch = fc.array(ops, { maxLength: 4 });
  return fc.record({ compare: fc.array(compares, { maxLength: 2 }), success: branch, failure: branch });
}

function nest(ops: fc.Arbitrary<RequestOp>): fc.Arbitrary<RequestOp> {
  const nested = txnsOf(ops).map((request): RequestOp => ({ kind: "txn", request }));
  return fc.oneof({ weight: 4, arbitrary: flatOps }, { weight: 1, arbitrary: nested });
}

/** Transactions that pass validation, nested up to three deep. */
export const txnRequests: fc.Arbitrary<TxnRequest> = txnsOf(nest(nest(flatOps))).filter(
  (txn) => validateTxn(txn, { txnOpsMax: 128 }) === undefined,
);

export const readOnlyTxnRequests: fc.Arbitrary<TxnRequest> = txnsOf(rangeOps);

/** What the log can hold. */
export const commands: fc.Arbitrary<Exclude<NaiveCommand, { readonly kind: "range" }>> = fc.oneof(
  { weight: 8, arbitrary: putRequests.map((request) => ({ kind: "put" as const, request })) },
  { weight: 2, arbitrary: deleteRequests.map((request) => ({ kind: "delete-range" as const, request })) },
  { weight: 3, arbitrary: txnRequests.map((request) => ({ kind: "txn" as const, request })) },
  {
    weight: 1,
    arbitrary: someRevision.map((n) => ({
      kind: "compact" as const,
      request: { revision: n as Revision, physical: false },
    })),
  },
);

/**
 * The same command, or list of commands, with revisions near the current one made absolute. Numbers fixed in advance would
 * nearly all lie in the future of a short run.
 */
export function resolveRevisions<T>(of: T, current: number): T {
  if (Array.isArray(of)) return of.map((part) => resolveRevisions<unknown>(part, current)) as T;
  if (of === null || typeof of !== "object" || of instanceof Uint8Array) return of;
  const fields = Object.entries(of).map(([name, value]: [string, unknown]) => [
    name,
    name === "revision" ? absolute(value as number, current) : resolveRevisions(value, current),
  ]);
  return Object.fromEntries(fields) as T;
}

function absolute(revision: number, current: number): number {
  return revision < BACK - 1 ? revision : Math.max(0, current - (revision - BACK));
}
