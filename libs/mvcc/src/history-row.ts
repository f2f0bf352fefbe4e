import { EMPTY_BYTES, invariant, readUint64, writeUint64 } from "@quorate/base";
import { readLease } from "@quorate/lease";
import { OWN_MEMORY, type Allocator } from "./byte-arena";
import { LATEST_HEADER_BYTES } from "./latest-row";
import type { KeyValue, Revision } from "./types";

/*
 * A row of `history` is a version that something has superseded.
 *
 *   key    escaped user key, 00 01, 2^53-1 minus the mod revision (8 bytes, big endian)
 *   value  create revision, version, lease, superseding revision (8 bytes each), then the value
 *
 * Escaping turns each 00 into 00 ff. With the terminator 00 01 no escaped key is a prefix of another, and they order
 * like the keys themselves: "a" (61 00 01) < "a\0" (61 00 ff 00 01) < "ab" (61 62 00 01). The inverted revision puts
 * the newest version of a key first, so that a seek finds the version of any revision in one step.
 */
const ESCAPE = 0xff;
const TERMINATOR = 0x01;
const REVISION_BYTES = 8;
const TERMINATOR_BYTES = 2;

const VERSION = 8;
const LEASE = 16;
const SUPERSEDING = 24;
const HISTORY_HEADER_BYTES = 32;

/** What all rows of `key` begin with; itself sorts before them and after the rows of every smaller key. */
export function historyPrefix(key: Uint8Array): Uint8Array {
  return escapeInto(key, 0, OWN_MEMORY);
}

/** The row of the version with mod revision `mod`; sought for, the newest version at or before `mod`. */
export function historyKey(key: Uint8Array, mod: Revision, memory = OWN_MEMORY): Uint8Array {
  const row = escapeInto(key, REVISION_BYTES, memory);
  writeUint64(row, row.length - REVISION_BYTES, Number.MAX_SAFE_INTEGER - mod);
  return row;
}

/** `prefix` with a revision: as `historyKey`, for a prefix that is at hand. */
export function historyKeyOfPrefix(prefix: Uint8Array, mod: Revision): Uint8Array {
  const row = new Uint8Array(prefix.length + REVISION_BYTES);
  row.set(prefix);
  writeUint64(row, prefix.length, Number.MAX_SAFE_INTEGER - mod);
  return row;
}

/** Sorts after every row of this prefix and before those of every larger key. */
export function historyAfterPrefix(prefix: Uint8Array): Uint8Array {
  const after = prefix.slice();
  after[after.length - 1] = TERMINATOR + 1;
  return after;
}

export function prefixOfHistoryKey(rowKey: Uint8Array): Uint8Array {
  return rowKey.subarray(0, rowKey.length - REVISION_BYTES);
}

export function modOfHistoryKey(rowKey: Uint8Array): Revision {
  return (Number.MAX_SAFE_INTEGER - readUint64(rowKey, rowKey.length - REVISION_BYTES)) as Revision;
}

/** The user key of a prefix: a view into it unless something was escaped. */
export function userKeyOfPrefix(prefix: Uint8Array): Uint8Array {
  const escaped = prefix.subarray(0, prefix.length - TERMINATOR_BYTES);
  if (escaped.indexOf(0) === -1) return escaped;
  const key = new Uint8Array(escaped.length);
  let length = 0;
  for (let at = 0; at < escaped.length; at += 1) {
    const byte = escaped[at]!;
    key[length++] = byte;
    if (byte === 0) at += 1;
  }
  return key.subarray(0, length);
}

/** The `history` row of a version whose `latest` row is given. Everything but the superseding revision is carried over. */
export function historyRowOf(latest: Uint8Array, superseding: Revision, memory: Allocator): Uint8Array {
  invariant(latest.length >= LATEST_HEADER_BYTES, "a latest row has a header", { length: latest.length });
  const row = memory.take(latest.length - LATEST_HEADER_BYTES + HISTORY_HEADER_BYTES);
  row.set(latest.subarray(0, 8), 0); // create revision
  row.set(latest.subarray(16, 32), VERSION); // version and lease
  writeUint64(row, SUPERSEDING, superseding);
  row.set(latest.subarray(LATEST_HEADER_BYTES), HISTORY_HEADER_BYTES);
  return row;
}

export function supersedingOf(row: Uint8Array): Revision {
  return readUint64(row, SUPERSEDING) as Revision;
}

/** Borrows `key` and `row`. */
export function keyValueOfHistory(key: Uint8Array, modRevision: Revision, row: Uint8Array): KeyValue {
  return {
    key,
    createRevision: readUint64(row, 0) as Revision,
    modRevision,
    version: readUint64(row, VERSION),
    value: row.length === HISTORY_HEADER_BYTES ? EMPTY_BYTES : row.subarray(HISTORY_HEADER_BYTES),
    lease: readLease(row, LEASE),
  };
}

/** The escaped key and its terminator, followed by `spare` bytes to fill. */
function escapeInto(key: Uint8Array, spare: number, memory: Allocator): Uint8Array {
  const firstZero = key.indexOf(0);
  if (firstZero === -1) {
    const row = memory.take(key.length + TERMINATOR_BYTES + spare);
    row.set(key);
    row[key.length + 1] = TERMINATOR;
    return row;
  }
  let zeros = 0;
  for (let at = firstZero; at < key.length; at += 1) if (key[at] === 0) zeros += 1;
  const row = memory.take(key.length + zeros + TERMINATOR_BYTES + spare);
  let length = 0;
  for (const byte of key) {
    row[length++] = byte;
    if (byte === 0) row[length++] = ESCAPE;
  }
  row[length + 1] = TERMINATOR;
  return row;
}
