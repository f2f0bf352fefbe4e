import {
  concatBytes,
  crc32,
  hexId,
  parseHexId,
  readUint32,
  readUint64,
  textOf,
  utf8,
  writeUint32,
  writeUint64,
} from "@quorate/base";
import type {
  Configuration,
  Entry,
  EntryId,
  EntryType,
  HardState,
  LogIndex,
  MemberId,
  Term,
} from "@quorate/raft";
import type { LogIdentity } from "./log-storage";

/**
 * How a log is laid out in rows.
 *
 * ```text
 *   column  key                               value: crc32 (4 bytes, over key and rest), then
 *   log     index (8)                         term (8) type (1) chain (8) data
 *   meta    "identity"                        JSON: format, cluster, member, directory
 *   meta    "incarnation"                     count (8)
 *   meta    "hard-state"                      term (8) commit (8), then the vote (8) if there is one
 *   meta    "compacted"                       term (8) index (8) chain (8)
 *   meta    "configuration"                   3 times: count (4), member ids (8 each)
 *   meta    "anchored"                        1 (8), once there is an anchor
 *   meta    "term-run/" index (8)             term (8): entries from this index on have it
 * ```
 *
 * Numbers are big endian. The checksum covers the key too: a sound row in the wrong place is damage as well.
 */
export const LOG_FORMAT = 1;

const CHECKSUM_BYTES = 4;
const ENTRY_HEADER_BYTES = 17;
const ENTRY_TYPES: readonly EntryType[] = ["empty", "command", "configuration"];

export const META_KEYS = {
  identity: utf8("identity"),
  incarnation: utf8("incarnation"),
  hardState: utf8("hard-state"),
  compacted: utf8("compacted"),
  configuration: utf8("configuration"),
  anchored: utf8("anchored"),
} as const;

const TERM_RUN_PREFIX = utf8("term-run/");
/** The range of all term runs: "0" follows "/" in byte order. */
export const TERM_RUN_RANGE = { from: TERM_RUN_PREFIX, to: utf8("term-run0") } as const;

export function entryKey(index: number): Uint8Array {
  const key = new Uint8Array(8);
  writeUint64(key, 0, index);
  return key;
}

export function termRunKey(index: number): Uint8Array {
  return concatBytes([TERM_RUN_PREFIX, entryKey(index)]);
}

export function entryRow(key: Uint8Array, entry: Entry): Uint8Array {
  const row = new Uint8Array(CHECKSUM_BYTES + ENTRY_HEADER_BYTES + entry.data.length);
  writeUint64(row, 4, entry.term);
  row[12] = ENTRY_TYPES.indexOf(entry.type);
  writeUint64(row, 13, entry.chain);
  row.set(entry.data, 21);
  return sealRow(key, row);
}

/** @returns `undefined` if the row is not what was written. `data` is a view into `row`. */
export function entryOf(key: Uint8Array, row: Uint8Array): Entry | undefined {
  const body = openRow(key, row);
  if (body === undefined || body.length < ENTRY_HEADER_BYTES || key.length !== 8) return undefined;
  const type = ENTRY_TYPES[body[8]!];
  if (type === undefined) return undefined;
  return {
    index: readUint64(key, 0) as LogIndex,
    term: readUint64(body, 0) as Term,
    type,
    chain: readUint64(body, 9),
    data: body.subarray(ENTRY_HEADER_BYTES),
  };
}

/** A row of counters, and what they were; `undefined` if the row is damaged or holds another number of them. */
export function numbersRow(key: Uint8Array, numbers: readonly number[]): Uint8Array {
  const row = new Uint8Array(CHECKSUM_BYTES + 8 * numbers.length);
  numbers.forEach((number, at) => writeUint64(row, CHECKSUM_BYTES + 8 * at, number));
  return sealRow(key, row);
}

export function numbersOf(key: Uint8Array, row: Uint8Array, count: number): readonly number[] | undefined {
  const body = openRow(key, row);
  if (body?.length !== 8 * count) return undefined;
  return Array.from({ length: count }, (_, at) => readUint64(body, 8 * at));
}

export function termRunOf(key: Uint8Array, row: Uint8Array): EntryId | undefined {
  const term = numbersOf(key, row, 1)?.[0];
  if (term === undefined || key.length !== TERM_RUN_PREFIX.length + 8) return undefined;
  return { term: term as Term, index: readUint64(key, TERM_RUN_PREFIX.length) as LogIndex };
}

export function hardStateRow(key: Uint8Array, state: HardState): Uint8Array {
  const row = new Uint8Array(CHECKSUM_BYTES + 16 + (state.vote === undefined ? 0 : 8));
  writeUint64(row, 4, state.term);
  writeUint64(row, 12, state.commit);
  if (state.vote !== undefined) viewOf(row).setBigUint64(20, state.vote);
  return sealRow(key, row);
}

export function hardStateOf(key: Uint8Array, row: Uint8Array): HardState | undefined {
  const body = openRow(key, row);
  if (body?.length !== 16 && body?.length !== 24) return undefined;
  return {
    term: readUint64(body, 0) as Term,
    vote: body.length === 24 ? (viewOf(body).getBigUint64(16) as MemberId) : undefined,
    commit: readUint64(body, 8) as LogIndex,
  };
}

export function configurationRow(key: Uint8Array, configuration: Configuration): Uint8Array {
  const groups = [configuration.incoming, configuration.outgoing, configuration.learners];
  const row = new Uint8Array(
    CHECKSUM_BYTES + groups.reduce((bytes, group) => bytes + 4 + 8 * group.length, 0),
  );
  let at = CHECKSUM_BYTES;
  for (const group of groups) {
    writeUint32(row, at, group.length);
    at += 4;
    for (const id of group) {
      viewOf(row).setBigUint64(at, id);
      at += 8;
    }
  }
  return sealRow(key, row);
}

export function configurationOf(key: Uint8Array, row: Uint8Array): Configuration | undefined {
  const body = openRow(key, row);
  if (body === undefined) return undefined;
  const groups: MemberId[][] = [];
  let at = 0;
  for (let group = 0; group < 3; group += 1) {
    if (at + 4 > body.length) return undefined;
    const count = readUint32(body, at);
    at += 4;
    if (at + 8 * count > body.length) return undefined;
    const start = at;
    groups.push(
      Array.from({ length: count }, (_, n) => viewOf(body).getBigUint64(start + 8 * n) as MemberId),
    );
    at += 8 * count;
  }
  const [incoming = [], outgoing = [], learners = []] = groups;
  return at === body.length ? { incoming, outgoing, learners } : undefined;
}

/** JSON, so that an operator can read it with any tool; ids in hex, as JSON numbers would lose digits. */
export function identityRow(key: Uint8Array, identity: LogIdentity, format = LOG_FORMAT): Uint8Array {
  const json = JSON.stringify({
    format,
    ...identity,
    clusterId: hexId(identity.clusterId),
    memberId: hexId(identity.memberId),
    refoundedFrom: identity.refoundedFrom === undefined ? undefined : hexId(identity.refoundedFrom),
  });
  return sealRow(key, concatBytes([new Uint8Array(CHECKSUM_BYTES), utf8(json)]));
}

export function identityOf(
  key: Uint8Array,
  row: Uint8Array,
): { readonly format: number; readonly identity: LogIdentity } | undefined {
  const body = openRow(key, row);
  if (body === undefined) return undefined;
  // The checksum holds, so this is what identityRow wrote, in this format or a later one that keeps these fields.
  const { format, clusterId, clusterName, memberId, memberName, directoryId, refoundedFrom } = JSON.parse(
    textOf(body),
  ) as { readonly [field in keyof LogIdentity]: string } & { readonly format: number };
  const ids = { clusterId: parseHexId(clusterId), memberId: parseHexId(memberId) as MemberId };
  const origin = refoundedFrom === undefined ? {} : { refoundedFrom: parseHexId(refoundedFrom) };
  return { format, identity: { ...ids, clusterName, memberName, directoryId, ...origin } };
}

/** Fills in the checksum in front of a finished row. */
function sealRow(key: Uint8Array, row: Uint8Array): Uint8Array {
  writeUint32(row, 0, crc32(row.subarray(CHECKSUM_BYTES), crc32(key)));
  return row;
}

/** What stands behind the checksum, or `undefined` if it does not fit the key and the rest. */
function openRow(key: Uint8Array, row: Uint8Array): Uint8Array | undefined {
  if (row.length < CHECKSUM_BYTES) return undefined;
  const body = row.subarray(CHECKSUM_BYTES);
  return readUint32(row, 0) === crc32(body, crc32(key)) ? body : undefined;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
