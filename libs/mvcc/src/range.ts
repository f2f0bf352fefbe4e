import { assertNever, compareBytes, EMPTY_BYTES, successorOf } from "@quorate/base";
import type { RangeTooLargeError } from "./errors";
import { isEmptyRange, isSingleKey } from "./key-range";
import {
  NO_LEASE,
  type KeyRange,
  type KeyValue,
  type RangeRequest,
  type RangeResponse,
  type Revision,
} from "./types";
import { CurrentVersions, currentVersion, PastVersions, versionAt, type Versions } from "./versions";
import type { ReadView } from "./view";

/**
 * Answers a range; its revision must have been checked.
 *
 * @param current What the view shows and "no revision" means; also the revision of the response.
 * @param counting False: `count` is 0, and nothing behind the limit is read, unless a count is all that is asked for. For
 *   pages, which would count the rest anew each.
 * @returns Keys and values that the caller may keep.
 */
export function range(
  view: ReadView,
  request: RangeRequest,
  current: Revision,
  counting = true,
): RangeResponse {
  return rangeWithin(view, request, current, { counting, budget: undefined }).response;
}

/** What may still be read in a turn. What was read is taken off; the last row may take it below 0. */
export interface RangeBudget {
  bytes: number;
  rows: number;
}

/** A part of a range, and where the rest of it begins; without `next` there is no rest. */
export interface RangeSlice {
  /** `count`: keys looked at for this part. `more`: the limit was reached, and at least one more key is there. */
  readonly response: RangeResponse;
  readonly next: Uint8Array | undefined;
}

/** A range in another order than that of its keys cannot be answered in parts, and so not if it is larger than this. */
export const SORTED_BYTES_MAX = 32 * 1024 * 1024;

/**
 * As much of a range as `budget` allows: at least one row if the budget is not spent, nothing otherwise. Parts that are read at
 * one revision, each from where the last one ended, are the range when put together; so are their counts.
 *
 * @param current As for {@link range}.
 */
export function rangeSlice(
  view: ReadView,
  request: RangeRequest,
  current: Revision,
  budget: RangeBudget,
): RangeSlice | { readonly error: RangeTooLargeError } {
  if (isSpent(budget)) {
    return { response: { revision: current, kvs: [], more: false, count: 0 }, next: request.key };
  }
  const counting = true;
  if (!isSorted(request)) return rangeWithin(view, request, current, { counting, budget });
  const whole: RangeBudget = { bytes: SORTED_BYTES_MAX, rows: Number.POSITIVE_INFINITY };
  const slice = rangeWithin(view, request, current, { counting, budget: whole });
  budget.bytes -= SORTED_BYTES_MAX - whole.bytes;
  return slice.next === undefined
    ? slice
    : { error: { code: "range-too-large", bytesMax: SORTED_BYTES_MAX } };
}

interface Reading {
  readonly counting: boolean;
  /** `undefined`: everything is read. */
  readonly budget: RangeBudget | undefined;
}

/** Without a `next` it is the whole answer, in the order asked for. */
function rangeWithin(view: ReadView, request: RangeRequest, current: Revision, reading: Reading): RangeSlice {
  const at = request.revision > 0 ? request.revision : current;
  const sort = sortingOf(request);
  // With an order, or filters, etcd fetches everything first. With a sort target but no order it applies the limit in
  // key order and sorts what is left: odd, but clients may see it. Filters without an order come to the same either way.
  const capped = sort === undefined || (request.sortOrder === "none" && !isFiltered(request));
  const wanted = request.limit > 0 && capped ? request.limit + 1 : Number.POSITIVE_INFINITY;
  const versions = openVersions(view, request, at, current, wanted);
  try {
    if (request.countOnly) {
      const { count, next } = countRest(versions, reading.budget);
      return { response: { revision: current, kvs: [], more: false, count }, next };
    }
    const { kvs, count, next } = collect(versions, request, wanted, reading);
    if (sort !== undefined) kvs.sort(sort);
    const more = request.limit > 0 && kvs.length > request.limit;
    if (more) kvs.length = request.limit;
    const bare = request.keysOnly && request.sortTarget === "value";
    const response = { revision: current, kvs: bare ? kvs.map(withoutValue) : kvs, more, count };
    return { response, next: isSingleKey(request) ? undefined : next };
  } finally {
    versions.close();
  }
}

function isSorted(request: RangeRequest): boolean {
  return !request.countOnly && sortingOf(request) !== undefined;
}

/** The versions of a range at revision `at` of a view that shows `current`. */
export function openVersions(
  view: ReadView,
  keys: KeyRange,
  at: Revision,
  current: Revision,
  wanted: number = Number.POSITIVE_INFINITY,
): Versions {
  if (isSingleKey(keys))
    return new OneVersion(
      keys.key,
      at < current ? versionAt(view, keys.key, at) : currentVersion(view, keys.key),
    );
  if (isEmptyRange(keys)) return new OneVersion(keys.key, undefined);
  if (at < current) return new PastVersions(view, keys, at);
  return new CurrentVersions(view, keys, Number.isFinite(wanted) ? wanted : undefined);
}

/** What a row costs beside its key and value. */
const ROW_BYTES = 64;

interface Collected {
  readonly kvs: KeyValue[];
  /** Of all keys, whether they pass the filters or not; 0 if nobody counts. */
  readonly count: number;
  /** Where the rest begins, if the budget was spent before it. */
  readonly next: Uint8Array | undefined;
}

/** At most `wanted` versions that pass the filters, and at least one row. */
function collect(
  versions: Versions,
  request: RangeRequest,
  wanted: number,
  { counting, budget }: Reading,
): Collected {
  const kvs: KeyValue[] = [];
  const filtered = isFiltered(request);
  // Without this, an answer of keys alone would hold on to every value until it is sent.
  const bare = request.keysOnly && request.sortTarget !== "value";
  let count = 0;
  for (;;) {
    if (kvs.length === wanted) {
      if (!counting) return { kvs, count: 0, next: undefined };
      const rest = countRest(versions, budget);
      return { kvs, count: count + rest.count, next: rest.next };
    }
    if (budget !== undefined && count > 0 && isSpent(budget)) return { kvs, count, next: versions.nextKey };
    const found = versions.next();
    if (found === undefined) return { kvs, count, next: undefined };
    if (counting) count += 1;
    const kv = bare ? keyAlone(found) : found;
    const wantsIt = !filtered || passes(request, kv);
    if (wantsIt) kvs.push(kv);
    if (budget === undefined) continue;
    budget.rows -= 1;
    if (wantsIt) budget.bytes -= kv.key.length + kv.value.length + ROW_BYTES;
  }
}

function countRest(
  versions: Versions,
  budget: RangeBudget | undefined,
): { readonly count: number; readonly next: Uint8Array | undefined } {
  if (budget === undefined) return { count: versions.countRest(), next: undefined };
  const max = Math.max(1, budget.rows);
  const count = versions.countRest(max);
  budget.rows -= count;
  return { count, next: count === max ? versions.nextKey : undefined };
}

function isSpent({ bytes, rows }: RangeBudget): boolean {
  return bytes <= 0 || rows <= 0;
}

function isFiltered(request: RangeRequest): boolean {
  return (
    request.maxModRevision !== 0 ||
    request.minModRevision !== 0 ||
    request.maxCreateRevision !== 0 ||
    request.minCreateRevision !== 0
  );
}

function passes(request: RangeRequest, kv: KeyValue): boolean {
  if (request.maxModRevision !== 0 && kv.modRevision > request.maxModRevision) return false;
  if (request.minModRevision !== 0 && kv.modRevision < request.minModRevision) return false;
  if (request.maxCreateRevision !== 0 && kv.createRevision > request.maxCreateRevision) return false;
  return request.minCreateRevision === 0 || kv.createRevision >= request.minCreateRevision;
}

type Comparator = (a: KeyValue, b: KeyValue) => number;

/** `undefined` if key order, in which versions come, is what the request wants. Equals stay in key order. */
function sortingOf(request: RangeRequest): Comparator | undefined {
  const ascending = ascendingBy(request);
  if (request.sortOrder === "descend") return (a, b) => ascending(b, a);
  return request.sortTarget === "key" || request.sortTarget === "unknown" ? undefined : ascending;
}

function ascendingBy(request: RangeRequest): Comparator {
  switch (request.sortTarget) {
    case "key":
    case "unknown": // refused by validation; the same on every member if it gets here
      return (a, b) => compareBytes(a.key, b.key);
    case "version":
      return (a, b) => a.version - b.version;
    case "create":
      return (a, b) => a.createRevision - b.createRevision;
    case "mod":
      return (a, b) => a.modRevision - b.modRevision;
    case "value":
      return (a, b) => compareBytes(a.value, b.value);
    default:
      return assertNever(request.sortTarget);
  }
}

/** Keys only: since 3.7 etcd answers these from its index, which does not know leases. */
function keyAlone(kv: KeyValue): KeyValue {
  return { ...withoutValue(kv), lease: NO_LEASE };
}

/** Keys only, sorted by value: here etcd reads the values, and with them the leases, and drops the values. */
function withoutValue(kv: KeyValue): KeyValue {
  return { ...kv, value: EMPTY_BYTES };
}

class OneVersion implements Versions {
  #version: KeyValue | undefined;

  constructor(
    private readonly key: Uint8Array,
    version: KeyValue | undefined,
  ) {
    this.#version = version;
  }

  /** Behind the range, which has one key at the most. */
  get nextKey(): Uint8Array {
    return successorOf(this.key);
  }

  next(): KeyValue | undefined {
    const version = this.#version;
    this.#version = undefined;
    return version;
  }

  countRest(): number {
    return this.next() === undefined ? 0 : 1;
  }

  close(): void {}
}
