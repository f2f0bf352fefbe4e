import { EMPTY_BYTES, readUint32, readUint64, writeUint32, writeUint64 } from "@quorate/base";
import { readLease, writeLease } from "@quorate/lease";
import { ByteReader } from "./byte-reader";
import type { ByteWriter } from "./byte-writer";
import { NO_LEASE, type Event, type Revision } from "./types";

/*
 * A row of `event` holds the events of one applied batch, or a part of them.
 *
 *   key    main revision of the first event (8 bytes, big endian); its sub revision (4 bytes) follows if not 0
 *   value  format (1 byte), then events, each:
 *          flags, key length, key,
 *          [main - superseded revision]                       if it superseded one
          [size of the row of history that it made]          if it made one; formats before 2 do not tell
 *          a put also: [main - create revision] if older, version, [lease, 8 bytes] if any, value length, value
 *
 * Numbers are varints. Main revisions are not written: each event flagged FIRST is one revision after the event before
 * it. So the bytes of an event do not depend on the row, and can be hashed as the canonical form of a change.
 */
const FORMAT = 2;
const FORMATS_READ: readonly (number | undefined)[] = [1, FORMAT];

const DELETE = 1;
const FIRST = 2;
const SUPERSEDES = 4;
const CREATES = 8;
const LEASED = 16;
const SIZED = 32;

const leaseScratch = new Uint8Array(8);

export function encodeEvent(writer: ByteWriter, event: Event): void {
  const { kv, main } = event;
  const created = kv.createRevision === main;
  let flags = event.sub === 0 ? FIRST : 0;
  if (event.supersededRevision !== 0) flags |= SUPERSEDES;
  if (event.kind === "delete") flags |= DELETE;
  else if (created) flags |= CREATES;
  if (kv.lease !== NO_LEASE) flags |= LEASED;
  if (event.historyBytes !== 0) flags |= SIZED;
  writer.byte(flags);
  writer.varint(kv.key.length);
  writer.raw(kv.key);
  if (event.supersededRevision !== 0) writer.varint(main - event.supersededRevision);
  if (event.historyBytes !== 0) writer.varint(event.historyBytes);
  if (event.kind === "delete") return;
  if (!created) writer.varint(main - kv.createRevision);
  writer.varint(kv.version);
  if (kv.lease !== NO_LEASE) {
    writeLease(leaseScratch, 0, kv.lease);
    writer.raw(leaseScratch);
  }
  writer.varint(kv.value.length);
  writer.raw(kv.value);
}

export function eventRowKey(main: Revision, sub: number): Uint8Array {
  const key = new Uint8Array(sub === 0 ? 8 : 12);
  writeUint64(key, 0, main);
  if (sub !== 0) writeUint32(key, 8, sub);
  return key;
}

/** Main revision of the first event of a row. */
export function mainOfEventRowKey(key: Uint8Array): Revision {
  return readUint64(key, 0) as Revision;
}

/** A row around encoded events; copies them. */
export function eventRow(events: Uint8Array): Uint8Array {
  const row = new Uint8Array(1 + events.length);
  row[0] = FORMAT;
  row.set(events, 1);
  return row;
}

/** All events of a row, in order. Keys and values are views into the row. */
export function decodeEventRow(key: Uint8Array, row: Uint8Array): Event[] {
  const events: Event[] = [];
  if (!FORMATS_READ.includes(row[0])) throw new EventFormatError(row[0]);
  const reader = new ByteReader(row, 1);
  let main = mainOfEventRowKey(key) as number;
  let sub = key.length > 8 ? readUint32(key, 8) : 0;
  while (!reader.atEnd) {
    const flags = reader.byte();
    if (events.length > 0) {
      if ((flags & FIRST) === 0) sub += 1;
      else {
        main += 1;
        sub = 0;
      }
    }
    events.push(decodeEvent(reader, flags, main as Revision, sub));
  }
  return events;
}

function decodeEvent(reader: ByteReader, flags: number, main: Revision, sub: number): Event {
  const key = reader.raw(reader.varint());
  const supersededRevision = ((flags & SUPERSEDES) === 0 ? 0 : main - reader.varint()) as Revision;
  const historyBytes = (flags & SIZED) === 0 ? 0 : reader.varint();
  if ((flags & DELETE) !== 0)
    return { kind: "delete", main, sub, kv: tombstone(key, main), supersededRevision, historyBytes };
  const createRevision = ((flags & CREATES) === 0 ? main - reader.varint() : main) as Revision;
  const version = reader.varint();
  const lease = (flags & LEASED) === 0 ? NO_LEASE : readLease(reader.raw(8), 0);
  const value = reader.raw(reader.varint());
  const kv = { key, createRevision, modRevision: main, version, value, lease };
  return { kind: "put", main, sub, kv, supersededRevision, historyBytes };
}

/** What a delete event carries for its key: the revision of the delete and nothing else. */
export function tombstone(key: Uint8Array, main: Revision): Event["kv"] {
  return {
    key,
    createRevision: 0 as Revision,
    modRevision: main,
    version: 0,
    value: EMPTY_BYTES,
    lease: NO_LEASE,
  };
}

/** A row was written by a newer version of this program, or is damaged: this member must not go on with the store. */
export class EventFormatError extends Error {
  override readonly name = "EventFormatError";
  readonly code = "event-format";

  constructor(readonly format: number | undefined) {
    super(`Cannot read an event row of format ${format}: this version knows formats up to ${FORMAT}`);
  }
}
