import { etcdserverpb, wireId } from "@quorate/wire";
import { bytesOf, type Bytes, type KeyRange } from "./key-range";

export type SortTarget = "key" | "version" | "create" | "mod" | "value";

export interface ReadOptions {
  /** Reads the state as of this revision; 0 or absent means the current one. */
  readonly revision?: number;
  /** Answers from one member's state, without asking a majority: faster, and possibly stale. */
  readonly serializable?: boolean;
}

export interface RangeOptions extends ReadOptions {
  /** Key-values at most; 0 or absent means no limit. */
  readonly limit?: number;
  readonly keysOnly?: boolean;
  readonly countOnly?: boolean;
  /** Ascending by key unless told otherwise. */
  readonly sortBy?: SortTarget;
  readonly order?: "ascending" | "descending";
  /** Bounds are inclusive; absent means none. */
  readonly minModRevision?: number;
  readonly maxModRevision?: number;
  readonly minCreateRevision?: number;
  readonly maxCreateRevision?: number;
}

export interface PutOptions {
  /** The lease whose end also ends the key; absent detaches it from any. */
  readonly lease?: bigint;
  /** Returns the version that this put replaces. */
  readonly previous?: boolean;
}

export interface DeleteOptions {
  /** Returns the versions that were deleted. */
  readonly previous?: boolean;
}

export type RangeRequest = etcdserverpb.RangeRequest.$Properties;
export type PutRequest = etcdserverpb.PutRequest.$Properties;
export type DeleteRangeRequest = etcdserverpb.DeleteRangeRequest.$Properties;

const { SortOrder, SortTarget: Target } = etcdserverpb.RangeRequest;

const TARGETS = {
  key: Target.KEY,
  version: Target.VERSION,
  create: Target.CREATE,
  mod: Target.MOD,
  value: Target.VALUE,
} satisfies Record<SortTarget, number>;

export function rangeRequest(range: KeyRange, options: RangeOptions): RangeRequest {
  return {
    ...keysOf(range),
    limit: options.limit ?? 0,
    revision: options.revision ?? 0,
    sortOrder: sortOrderOf(options),
    sortTarget: TARGETS[options.sortBy ?? "key"],
    serializable: options.serializable ?? false,
    keysOnly: options.keysOnly ?? false,
    countOnly: options.countOnly ?? false,
    minModRevision: options.minModRevision ?? 0,
    maxModRevision: options.maxModRevision ?? 0,
    minCreateRevision: options.minCreateRevision ?? 0,
    maxCreateRevision: options.maxCreateRevision ?? 0,
  };
}

export function putRequest(key: Bytes, value: Bytes, options: PutOptions): PutRequest {
  return {
    key: bytesOf(key),
    value: bytesOf(value),
    lease: wireId(options.lease ?? 0n),
    prevKv: options.previous ?? false,
  };
}

export function deleteRangeRequest(range: KeyRange, options: DeleteOptions): DeleteRangeRequest {
  return { ...keysOf(range), prevKv: options.previous ?? false };
}

/** A present but empty `range_end` means "no upper bound" to etcd, so a single key must leave the field out. */
export function keysOf(range: KeyRange): { key: Uint8Array; rangeEnd?: Uint8Array } {
  return range.end === undefined ? { key: range.start } : { key: range.start, rangeEnd: range.end };
}

function sortOrderOf(options: RangeOptions): etcdserverpb.RangeRequest.SortOrder {
  if (options.order === "descending") return SortOrder.DESCEND;
  // etcd applies a limit before it sorts by anything but the key, unless an order is asked for.
  if (options.order === "ascending" || (options.sortBy ?? "key") !== "key") return SortOrder.ASCEND;
  return SortOrder.NONE;
}
