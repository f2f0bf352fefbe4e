import { concatBytes, crc32, crc32c, InvariantError, textOf, utf8, writeUint32 } from "@quorate/base";
import { DamagedDatabaseError, decodeLeaseRow, encodeLeaseRow } from "@quorate/bbolt";
import { readRows, writtenDatabase } from "../../../libs/bbolt/src/testing/written-database";
import { explainFence, markOf } from "../../../libs/fence/src/fence-mark";
import { EventFormatError, type Event, type LeaseId, type Revision } from "@quorate/mvcc";
import type { LogIndex, MemberId, Term } from "@quorate/raft";
import { UnsupportedVersionError } from "@quorate/state-machine";
import { ByteWriter } from "../../../libs/mvcc/src/byte-writer";
import { decodeEventRow, encodeEvent, eventRow, eventRowKey } from "../../../libs/mvcc/src/event-row";
import {
  historyKey,
  modOfHistoryKey,
  prefixOfHistoryKey,
  userKeyOfPrefix,
} from "../../../libs/mvcc/src/history-row";
import { recordOf } from "../../../libs/state-machine/src/lease-rows";
import {
  decodeMembership,
  encodeMembership,
} from "../../../libs/state-machine/src/membership/membership-row";
import { loadCompaction, loadPosition } from "../../../libs/state-machine/src/meta-rows";
import { ANCHOR_SLOT_BYTES, decodeAnchorSlot, encodeAnchorSlot } from "../../../libs/storage/src/anchor-slot";
import * as log from "../../../libs/storage/src/log-rows";
import { fuzzTarget, type FuzzTarget } from "../engine/fuzz-target";

const identity = {
  clusterId: 5n,
  clusterName: "dev",
  memberId: 7n as MemberId,
  memberName: "n1",
  directoryId: "d",
  refoundedFrom: 9n,
};
const configuration = { incoming: [1n, 2n] as MemberId[], outgoing: [3n] as MemberId[], learners: [] };

/**
 * A row of the log with its checksum made to fit: chance would never get past it. Half of the inputs, by their first byte, go in
 * as they are.
 */
function logRow<Value>(
  name: string,
  key: Uint8Array,
  read: (key: Uint8Array, row: Uint8Array) => Value | undefined,
  row: (key: Uint8Array, value: Value) => Uint8Array,
  values: readonly Value[],
): FuzzTarget {
  const unsealed = (sealed: Uint8Array): Uint8Array => concatBytes([Uint8Array.of(1), sealed.subarray(4)]);
  return fuzzTarget<Value | undefined>({
    name,
    decode: (input) => {
      if (((input[0] ?? 0) & 1) === 0) return read(key, input.subarray(1));
      const sealed = concatBytes([new Uint8Array(4), input.subarray(1)]);
      writeUint32(sealed, 0, crc32(input.subarray(1), crc32(key)));
      return read(key, sealed);
    },
    declares: [],
    encode: (value) => (value === undefined || !isWritable(value) ? undefined : unsealed(row(key, value))),
    seeds: () => values.map((value) => unsealed(row(key, value))),
  });
}

/** Counters above 2^53-1 are never written, nor is an identity of which something is missing. */
function isWritable(value: unknown): boolean {
  if (typeof value === "number") return Number.isSafeInteger(value);
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value !== undefined;
  return Object.values(value).every(isWritable);
}

function decodeSealedSlot(input: Uint8Array): unknown {
  const slot = new Uint8Array(ANCHOR_SLOT_BYTES);
  slot.set(input.subarray(0, ANCHOR_SLOT_BYTES - 4));
  writeUint32(slot, ANCHOR_SLOT_BYTES - 4, crc32c(slot.subarray(0, ANCHOR_SLOT_BYTES - 4)));
  return [decodeAnchorSlot(slot), decodeAnchorSlot(input)];
}

const position = {
  clusterId: 5n,
  memberId: 7n as MemberId,
  incarnation: 2,
  term: 3 as Term,
  vote: 7n as MemberId,
  last: { term: 3 as Term, index: 9 as LogIndex },
  chain: 11,
};

const kv = {
  key: utf8("a"),
  createRevision: 5,
  modRevision: 5,
  version: 1,
  value: utf8("v"),
  lease: 3n as LeaseId,
};
const events = [
  { kind: "put", main: 5, sub: 0, kv, supersededRevision: 0, historyBytes: 0 },
  {
    kind: "put",
    main: 6,
    sub: 0,
    kv: { ...kv, modRevision: 6, version: 2 },
    supersededRevision: 5,
    historyBytes: 40,
  },
] as unknown as readonly Event[];

function encodedEvents(): Uint8Array {
  const writer = new ByteWriter();
  for (const event of events) encodeEvent(writer, event);
  return eventRow(writer.view(0, writer.length));
}

/** Rows of the log are checked by their reader, others by the store below, so that damage to them is a broken invariant. */
export const rowsTargets: readonly FuzzTarget[] = [
  logRow("log-entry", log.entryKey(5), log.entryOf, log.entryRow, [
    { index: 5 as LogIndex, term: 2 as Term, type: "command", chain: 77, data: utf8("data") },
    { index: 5 as LogIndex, term: 2 as Term, type: "empty", chain: 0, data: new Uint8Array(0) },
  ]),
  logRow("log-hard-state", log.META_KEYS.hardState, log.hardStateOf, log.hardStateRow, [
    { term: 2 as Term, vote: 3n as MemberId, commit: 9 as LogIndex },
    { term: 2 as Term, vote: undefined, commit: 9 as LogIndex },
  ]),
  logRow("log-configuration", log.META_KEYS.configuration, log.configurationOf, log.configurationRow, [
    configuration,
  ]),
  logRow("log-compacted", log.META_KEYS.compacted, (key, row) => log.numbersOf(key, row, 3), log.numbersRow, [
    [1, 2, 3],
  ]),
  {
    // Its JSON is read only once the checksum fits, so only what a version wrote gets there.
    ...logRow(
      "log-identity",
      log.META_KEYS.identity,
      log.identityOf,
      (key, read) => log.identityRow(key, read.identity, read.format),
      [{ format: log.LOG_FORMAT, identity }],
    ),
    declares: [SyntaxError, RangeError, TypeError],
  },
  fuzzTarget({
    name: "anchor-slot",
    decode: decodeSealedSlot,
    declares: [],
    seeds: () => [
      encodeAnchorSlot(4, position),
      encodeAnchorSlot(5, { ...position, vote: undefined, chain: undefined }),
    ],
  }),
  fuzzTarget({
    name: "event-row",
    decode: (input) => decodeEventRow(eventRowKey(5 as Revision, 0), input),
    declares: [InvariantError, EventFormatError],
    seeds: () => [encodedEvents()],
  }),
  fuzzTarget({
    name: "history-key",
    decode: (input) => historyKey(input, 7 as Revision),
    declares: [],
    encode: (row) =>
      modOfHistoryKey(row) === 7 ? userKeyOfPrefix(prefixOfHistoryKey(row)) : new Uint8Array(0),
    seeds: () => [utf8("a\0b"), Uint8Array.of(0, 0xff, 0, 1)],
    dictionary: [Uint8Array.of(0, 0xff), Uint8Array.of(0, 1)],
  }),
  fuzzTarget({
    name: "state-meta",
    decode: (input) => {
      const view = { get: () => input } as unknown as Parameters<typeof loadPosition>[0];
      return (input.length === 36 ? loadPosition : loadCompaction)(view);
    },
    declares: [InvariantError],
    seeds: () => [new Uint8Array(36), new Uint8Array(28)],
  }),
  fuzzTarget({
    name: "lease-record",
    decode: (input) => recordOf(1n as LeaseId, input),
    declares: [InvariantError],
    seeds: () => [new Uint8Array(24)],
  }),
  fuzzTarget({
    name: "membership-row",
    decode: decodeMembership,
    declares: [SyntaxError, RangeError, TypeError, UnsupportedVersionError],
    seeds: () => [
      encodeMembership({
        founded: true,
        clusterId: 5n,
        clusterVersion: 2,
        members: [
          { id: 1n as MemberId, name: "n1", peerUrls: [], clientUrls: ["http://a"], clusterVersionMax: 2 },
        ],
        removed: [4n as MemberId],
        configuration,
        changes: [8n],
      }),
    ],
  }),
  fuzzTarget({
    name: "fence-mark",
    decode: (input) => {
      const mark = markOf(textOf(input));
      // An operator acts by this: it must not sound better than it is.
      if (explainFence("data", mark).includes("undefined")) throw new Error("It tells half of a mark");
      if (mark.part !== "state" && mark.part !== "log")
        throw new Error(`It tells of damage to ${String(mark.part)}`);
      return mark;
    },
    declares: [],
    seeds: () => [
      utf8(
        JSON.stringify({
          format: 1,
          part: "state",
          why: "w",
          at: "t",
          memberName: "n",
          memberId: "1",
          isOnlyCopy: false,
        }),
      ),
    ],
    dictionary: ["null", "[]", "{}", '"format":1'].map(utf8),
  }),
  fuzzTarget({
    name: "bbolt",
    // Whatever the file says, reading it ends: each page at most once, and rows in order.
    decode: (input) => readRows(input),
    declares: [DamagedDatabaseError],
    // A value may be told to be in many rows: it is a view in each of them.
    heapPerByte: 64 * 1024,
    seeds: () => [
      writtenDatabase({}),
      writtenDatabase({ empty: [], one: [[utf8("key"), utf8("value")]] }),
      writtenDatabase({
        many: Array.from(
          { length: 80 },
          (_, at) => [Uint8Array.of(at, 1, 2, 3), new Uint8Array(at)] as const,
        ),
        large: [[utf8("key"), new Uint8Array(2500)]],
      }),
    ],
    dictionary: [Uint8Array.of(1, 0, 0, 0), Uint8Array.of(2, 0), Uint8Array.of(255, 255)],
  }),
  fuzzTarget({
    name: "bbolt-lease",
    decode: decodeLeaseRow,
    declares: [DamagedDatabaseError],
    encode: encodeLeaseRow,
    seeds: () => [
      encodeLeaseRow({ id: 7n, ttlSeconds: 60n, remainingSeconds: 0n }),
      encodeLeaseRow({ id: -1n, ttlSeconds: 9_000_000_000n, remainingSeconds: 5n }),
    ],
  }),
];
