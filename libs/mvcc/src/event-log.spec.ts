import { textOf } from "@quorate/base";
import { previousKeyValue, previousKeyValues, readEvents } from "./event-log";
import { MvccFixture } from "./testing/mvcc-fixture";
import { deleteRequest, putRequest, revision } from "./testing/requests";
import type { Event } from "./types";

function transcript(events: Iterable<Event>): string[] {
  return [...events].map(
    ({ kind, main, sub, kv, supersededRevision }) =>
      `${main}.${sub} ${kind} ${textOf(kv.key)} was ${supersededRevision}`,
  );
}

/** Revisions 2 to 4 in one batch, 5 and 6 in another. */
function written(rowBytesMax?: number): MvccFixture {
  const store = new MvccFixture(rowBytesMax);
  store.write(
    (session) => session.put(putRequest("a", "1")),
    (session) => (session.put(putRequest("b", "2")), session.put(putRequest("c", "3"))),
    (session) => session.put(putRequest("a", "4")),
  );
  store.write(
    (session) => session.deleteRange(deleteRequest("a", "c")),
    (session) => session.put(putRequest("a", "5")),
  );
  return store;
}

const ALL = [
  "2.0 put a was 0",
  "3.0 put b was 0",
  "3.1 put c was 0",
  "4.0 put a was 2",
  "5.0 delete a was 4",
  "5.1 delete b was 3",
  "6.0 put a was 0",
];

describe("readEvents", () => {
  it.each([
    ["one row per batch", 1 << 20],
    ["one row per event", 1],
  ])("replays from any revision, with %s", (_layout, rowBytesMax) => {
    const store = written(rowBytesMax);
    for (let from = 0; from <= 7; from += 1) {
      const expected = ALL.filter((line) => Number(line.split(".")[0]) >= from);
      expect(transcript(readEvents(store, revision(from)))).toEqual(expected);
    }
  });

  it("writes one event row per batch", () => {
    expect(written().count("event")).toBe(2);
  });

  it("closes its iterator when the reader stops early", () => {
    const store = written();
    const events = readEvents(store, revision(2));
    expect(events.next().value?.main).toBe(2);
    events.return();
    expect(events.next().done).toBe(true);
  });

  it("names the state before the revision for a key that is put and deleted in one", () => {
    const store = written();
    const events = store.write((session) => {
      session.put(putRequest("a", "6"));
      session.deleteRange(deleteRequest("a"));
    });
    expect(transcript(events)).toEqual(["7.0 put a was 6", "7.1 delete a was 6"]);
    expect(transcript(readEvents(store, revision(7)))).toEqual(transcript(events));
  });
});

describe("previousKeyValue", () => {
  it("finds what an event superseded", () => {
    const store = written();
    const found = [...readEvents(store, revision(2))].map((event) => {
      const before = previousKeyValue(store, event, revision(-1));
      return before === undefined ? "-" : `${textOf(before.value)}@${before.modRevision}`;
    });
    expect(found).toEqual(["-", "-", "-", "1@2", "4@4", "2@3", "-"]);
  });

  it("finds nothing that compaction may have taken, whether the row is still there or not", () => {
    const store = written();
    const [event] = [...readEvents(store, revision(5))];
    expect(previousKeyValue(store, event!, revision(4))?.modRevision).toBe(4);
    expect(previousKeyValue(store, event!, revision(5))).toBeUndefined();
  });
});

describe("previousKeyValues", () => {
  it.each([-1, 3, 5])("answers for each event what one lookup does, compacted at %d", (compacted) => {
    const store = written();
    const events = [...readEvents(store, revision(2))];
    expect(previousKeyValues(store, events, revision(compacted))).toEqual(
      events.map((event) => previousKeyValue(store, event, revision(compacted))),
    );
  });
});
