import { textOf, utf8 } from "@quorate/base";
import { EventRecorder } from "./event-recorder";
import { decodeEventRow, EventFormatError, eventRow, eventRowKey, tombstone } from "./event-row";
import { lease, revision } from "./testing/requests";
import type { Event } from "./types";

const SUPERSEDING: Event = {
  kind: "put",
  main: revision(2 ** 40),
  sub: 0,
  kv: {
    key: utf8("a"),
    createRevision: revision(3),
    modRevision: revision(2 ** 40),
    version: 300,
    value: utf8("value"),
    lease: lease(-1n),
  },
  supersededRevision: revision(4),
  historyBytes: 300,
};
const CREATED: Event = {
  kind: "put",
  main: revision(2 ** 40),
  sub: 1,
  kv: {
    ...SUPERSEDING.kv,
    key: utf8("b"),
    createRevision: revision(2 ** 40),
    version: 1,
    value: utf8(""),
    lease: lease(0n),
  },
  supersededRevision: revision(0),
  historyBytes: 0,
};
const DELETED: Event = {
  kind: "delete",
  main: revision(2 ** 40 + 1),
  sub: 0,
  kv: tombstone(utf8("a"), revision(2 ** 40 + 1)),
  supersededRevision: revision(2 ** 40),
  historyBytes: 48,
};
const EVENTS = [SUPERSEDING, CREATED, DELETED];

function rowsOf(rowBytesMax: number, events: readonly Event[]): { key: Uint8Array; row: Uint8Array }[] {
  const recorder = new EventRecorder({ rowBytesMax });
  for (const event of events) recorder.append(event);
  const rows: { key: Uint8Array; row: Uint8Array }[] = [];
  recorder.flush({ put: (_column, key, row) => rows.push({ key, row }), del: () => undefined });
  return rows;
}

describe("EventRecorder", () => {
  it("writes the events of a batch as one row under its first revision", () => {
    const rows = rowsOf(1 << 20, EVENTS);
    expect(rows).toHaveLength(1);
    expect(rows[0]!.key).toEqual(eventRowKey(revision(2 ** 40), 0));
    expect(decodeEventRow(rows[0]!.key, rows[0]!.row)).toEqual(EVENTS);
  });

  it.each([1, 20, 30])(
    "cuts rows at %d bytes, within a revision too, and they decode to the same events",
    (max) => {
      const rows = rowsOf(max, EVENTS);
      expect(rows.length).toBeGreaterThan(1);
      expect(rows.flatMap(({ key, row }) => decodeEventRow(key, row))).toEqual(EVENTS);
      const sorted = [...rows].sort((a, b) => Buffer.compare(a.key, b.key));
      expect(rows).toEqual(sorted);
    },
  );

  it("writes nothing for a batch without changes", () => {
    expect(rowsOf(1 << 20, [])).toEqual([]);
  });

  it("encodes an event alike wherever in a row it stands", () => {
    const alone = new EventRecorder({ rowBytesMax: 1 });
    alone.append(DELETED);
    const together = new EventRecorder({ rowBytesMax: 1 << 20 });
    together.append(CREATED);
    const from = together.length;
    together.append(DELETED);
    expect(together.encoded(from)).toEqual(alone.encoded(0));
  });
});

describe("decodeEventRow", () => {
  it("reads rows of the first format, which do not tell the size of superseded versions", () => {
    const unsized = { ...SUPERSEDING, historyBytes: 0 };
    const [{ key, row }] = rowsOf(1 << 20, [unsized]) as [{ key: Uint8Array; row: Uint8Array }];
    row[0] = 1;
    expect(decodeEventRow(key, row)).toEqual([unsized]);
  });

  it("refuses a format that it does not know", () => {
    expect(() => decodeEventRow(eventRowKey(revision(2), 0), Uint8Array.of(9))).toThrow(EventFormatError);
  });

  it("refuses a row that was cut short", () => {
    const [{ key, row }] = rowsOf(1 << 20, [SUPERSEDING]) as [{ key: Uint8Array; row: Uint8Array }];
    expect(() => decodeEventRow(key, row.subarray(0, row.length - 1))).toThrow("a stored row is complete");
    expect(textOf(decodeEventRow(key, row)[0]!.kv.value)).toBe("value");
    expect(decodeEventRow(key, eventRow(new Uint8Array(0)))).toEqual([]);
  });
});
