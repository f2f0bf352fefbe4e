import { invariant, readUint64, writeUint64 } from "@quorate/base";
import { readLease, writeLease, type LeaseId, type LeaseRecord } from "@quorate/lease";

/*
 * The rows of `lease`. Ids are 8 bytes, two's complement, big endian: ordered in some way, which is all that is needed.
 *
 *   1, id            TTL in seconds, grant sequence, noted rest in seconds (8 bytes each, big endian)
 *   2, id, user key  nothing: the key is attached to the lease
 *
 * So all leases lie together, and so do the keys of one lease, in the order of keys.
 */
const RECORD = 1;
const ATTACHMENT = 2;
const ID_BYTES = 8;
const KEY_OFFSET = 1 + ID_BYTES;
const RECORD_BYTES = 24;

/** What a lease takes in the store, row key included, and what each key attached to it does beside the key's own length. */
export const LEASE_BYTES = KEY_OFFSET + RECORD_BYTES;
export const ATTACHMENT_BYTES = KEY_OFFSET;

/** Where the records of leases begin and end. */
export const ALL_RECORDS = { from: Uint8Array.of(RECORD), to: Uint8Array.of(RECORD + 1) } as const;

export function recordKey(id: LeaseId): Uint8Array {
  return rowKey(RECORD, id, 0);
}

export function encodeRecord({ ttlSeconds, sequence, remainingSeconds }: LeaseRecord): Uint8Array {
  const row = new Uint8Array(RECORD_BYTES);
  writeUint64(row, 0, ttlSeconds);
  writeUint64(row, 8, sequence);
  writeUint64(row, 16, remainingSeconds);
  return row;
}

export function recordOf(id: LeaseId, row: Uint8Array): LeaseRecord {
  invariant(row.length === RECORD_BYTES, "a lease record has a fixed size", { length: row.length });
  return {
    id,
    ttlSeconds: readUint64(row, 0),
    sequence: readUint64(row, 8),
    remainingSeconds: readUint64(row, 16),
  };
}

/** `undefined`: it is the row of an attached key. */
export function leaseInRow(key: Uint8Array, row: Uint8Array): LeaseRecord | undefined {
  return key[0] === RECORD ? recordOf(idOfRecordKey(key), row) : undefined;
}

export function idOfRecordKey(key: Uint8Array): LeaseId {
  return readLease(key, 1);
}

export function attachmentKey(id: LeaseId, userKey: Uint8Array): Uint8Array {
  const row = rowKey(ATTACHMENT, id, userKey.length);
  row.set(userKey, KEY_OFFSET);
  return row;
}

/** A view into the row's key. */
export function userKeyOfAttachment(key: Uint8Array): Uint8Array {
  return key.subarray(KEY_OFFSET);
}

/** Where the attached keys of one lease begin and end. */
export function attachmentsOf(id: LeaseId): { readonly from: Uint8Array; readonly to: Uint8Array } {
  const from = rowKey(ATTACHMENT, id, 0);
  const to = from.slice();
  // The next id, or, after the last of all, the next tag.
  for (let at = to.length - 1; at >= 0; at -= 1) {
    to[at] = (to[at]! + 1) & 0xff;
    if (to[at] !== 0) break;
  }
  return { from, to };
}

function rowKey(tag: number, id: LeaseId, extraBytes: number): Uint8Array {
  const key = new Uint8Array(KEY_OFFSET + extraBytes);
  key[0] = tag;
  writeLease(key, 1, id);
  return key;
}
