import { assertNever, compareBytes, EMPTY_BYTES } from "@quorate/base";
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
  const at = request.revision > 0 ? request.revision : current;
  const sort = sortingOf(request);
  // With an order, or filters, etcd fetches everything first. With a sort target but no order it applies the limit in
  // key order and sorts what is left: odd, but clients may see it.
  const capped = sort === undefined || (request.sortOrder === "none" && !isFiltered(request));
  const wanted = request.limit > 0 && capped ? request.limit + 1 : Number.POSITIVE_INFINITY;
  const versions = openVersions(view, request, at, current, wanted);
  try {
    if (request.countOnly) return { revision: current, kvs: [], more: false, count: versions.countRest() };
    const { kvs, count } = collect(versions, request, wanted, counting);
    if (sort !== undefined) kvs.sort(sort);
    const more = request.limit > 0 && kvs.length > request.limit;
    if (more) kvs.length = request.limit;
    const bare = request.keysOnly && request.sortTarget === "value";
    return { revision: current, kvs: bare ? kvs.map(withoutValue) : kvs, more, count };
  } finally {
    versions.close();
  }
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
    return new OneVersion(at < current ? versionAt(view, keys.key, at) : currentVersion(view, keys.key));
  if (isEmptyRange(keys)) return new OneVersion(undefined);
  if (at < current) return new PastVersions(view, keys, at);
  return new CurrentVersions(view, keys, Number.isFinite(wanted) ? wanted : undefined);
}

/** At most `wanted` versions that pass the filters; `count` is of all keys, whether they pass or not, or 0. */
function collect(
  versions: Versions,
  request: RangeRequest,
  wanted: number,
  counting: boolean,
): { kvs: KeyValue[]; count: number } {
  const kvs: KeyValue[] = [];
  const filtered = isFiltered(request);
  // Without this, an answer of keys alone would hold on to every value until it is sent.
  const bare = request.keysOnly && request.sortTarget !== "value";
  let count = 0;
  for (;;) {
    if (kvs.length === wanted) return { kvs, count: counting ? count + versions.countRest() : 0 };
    const kv = versions.next();
    if (kv === undefined) return { kvs, count };
    if (counting) count += 1;
    if (filtered && !passes(request, kv)) continue;
    kvs.push(bare ? keyAlone(kv) : kv);
  }
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

  constructor(version: KeyValue | undefined) {
    this.#version = version;
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
