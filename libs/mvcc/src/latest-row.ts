import { readUint64, writeUint64 } from "@quorate/base";
import { readLease, writeLease } from "@quorate/lease";
import type { Allocator } from "./byte-arena";
import type { KeyValue, LeaseId, Revision } from "./types";

/*
 * A row of `latest`: create revision, mod revision, version, lease (8 bytes each, big endian), then the value. The
 * header has a fixed size so that one field can be read, and a row carried into `history`, without decoding the rest.
 */
export const LATEST_HEADER_BYTES = 32;
const MOD = 8;
const VERSION = 16;
const LEASE = 24;

export function encodeLatest(
  create: Revision,
  mod: Revision,
  version: number,
  lease: LeaseId,
  value: Uint8Array,
  memory: Allocator,
): Uint8Array {
  const row = memory.take(LATEST_HEADER_BYTES + value.length);
  writeUint64(row, 0, create);
  writeUint64(row, MOD, mod);
  writeUint64(row, VERSION, version);
  writeLease(row, LEASE, lease);
  row.set(value, LATEST_HEADER_BYTES);
  return row;
}

export function createOfLatest(row: Uint8Array): Revision {
  return readUint64(row, 0) as Revision;
}

export function modOfLatest(row: Uint8Array): Revision {
  return readUint64(row, MOD) as Revision;
}

export function versionOfLatest(row: Uint8Array): number {
  return readUint64(row, VERSION);
}

export function leaseOfLatest(row: Uint8Array): LeaseId {
  return readLease(row, LEASE);
}

/** A view into the row, not a copy. */
export function valueOfLatest(row: Uint8Array): Uint8Array {
  return row.subarray(LATEST_HEADER_BYTES);
}

/** Borrows `key` and `row`: copy a row first that the engine owns. */
export function keyValueOfLatest(key: Uint8Array, row: Uint8Array): KeyValue {
  return {
    key,
    createRevision: createOfLatest(row),
    modRevision: modOfLatest(row),
    version: versionOfLatest(row),
    value: valueOfLatest(row),
    lease: leaseOfLatest(row),
  };
}
