import { compactEvents, NO_COMPACTION, type CompactionProgress } from "./compaction";
import { ByteWriter } from "./byte-writer";
import { readEvents } from "./event-log";
import { decodeEventRow, encodeEvent, eventRow } from "./event-row";
import { range } from "./range";
import { MvccFixture, shown } from "./testing/mvcc-fixture";
import { deleteRequest, putRequest, rangeRequest, revision } from "./testing/requests";

const zero = Uint8Array.of(0);

/** "k" at 2 to 5, one batch each; deleted at 6; "k" and "other" at 7. */
function written(): MvccFixture {
  const store = new MvccFixture();
  for (const value of ["v2", "v3", "v4", "v5"]) store.write((session) => session.put(putRequest("k", value)));
  store.write((session) => session.deleteRange(deleteRequest("k")));
  store.write((session) => (session.put(putRequest("k", "v7")), session.put(putRequest("other", "o"))));
  return store;
}

function step(
  store: MvccFixture,
  progress: CompactionProgress,
  at: number,
  budget: number,
): CompactionProgress {
  const batch = store.store.batch();
  const before = store.bytes;
  const { progress: next, freedBytes } = compactEvents(store, batch, progress, revision(at), budget);
  expect(batch.size).toBeLessThanOrEqual(budget);
  batch.write({ sync: false });
  expect(freedBytes).toBe(before - store.bytes);
  return next;
}

function compact(
  store: MvccFixture,
  progress: CompactionProgress,
  at: number,
  budget = 1000,
): CompactionProgress {
  let now = progress;
  do now = step(store, now, at, budget);
  while (now.done < at);
  return now;
}

function at(store: MvccFixture, main: number): string[] {
  return shown(range(store, rangeRequest(zero, zero, { revision: revision(main) }), store.revision).kvs);
}

/** Writes the events as stores of the first format hold them. */
function forgetSizes({ store }: MvccFixture): void {
  const batch = store.batch();
  using rows = store.scan("event", zero, undefined);
  for (let row = rows.next(); row !== undefined; row = rows.next()) {
    const writer = new ByteWriter();
    for (const event of decodeEventRow(row.key, row.value))
      encodeEvent(writer, { ...event, historyBytes: 0 });
    batch.put("event", row.key, eventRow(writer.view(0, writer.length)));
  }
  batch.write({ sync: false });
}

describe("compactEvents", () => {
  it.each([1, 2, 3, 1000])(
    "keeps all that is readable from the compact revision on, in steps of %d",
    (budget) => {
      const store = written();
      let progress = NO_COMPACTION;
      for (const main of [3, 4, 5, 6, 7]) {
        const before = Array.from({ length: 8 - main }, (_none, n) => at(store, main + n));
        progress = compact(store, progress, main, budget);
        expect(Array.from({ length: 8 - main }, (_none, n) => at(store, main + n))).toEqual(before);
      }
      expect([store.count("latest"), store.count("history"), store.count("event")]).toEqual([2, 0, 1]);
    },
  );

  it("deletes a version superseded at the compact revision and keeps one superseded after it", () => {
    const store = written();
    expect(store.count("history")).toBe(4);
    compact(store, NO_COMPACTION, 4);
    expect(store.count("history")).toBe(2); // v4 until 5 and v5 until 6
    expect(at(store, 4)).toEqual(["k=v4"]);
  });

  it("keeps a tombstone written at the compacted revision, and drops an older one", () => {
    const store = written();
    const kinds = (): string[] =>
      [...readEvents(store, revision(0))].map((event) => `${event.main} ${event.kind}`);
    const progress = compact(store, NO_COMPACTION, 6);
    expect(kinds()).toEqual(["6 delete", "7 put", "7 put"]);
    compact(store, progress, 7);
    expect(kinds()).toEqual(["7 put", "7 put"]);
  });

  it("keeps a row of events that the compact revision cuts through until the next time", () => {
    const store = new MvccFixture();
    const put = (session: ReturnType<MvccFixture["session"]>): unknown => session.put(putRequest("k"));
    store.write(put, put, put, put);
    const progress = compact(store, NO_COMPACTION, 3);
    expect([store.count("event"), store.count("history")]).toEqual([1, 2]);
    store.write(put);
    compact(store, progress, 6);
    expect([store.count("event"), store.count("history")]).toEqual([1, 0]);
  });

  it("finishes an older target before it turns to a newer one", () => {
    const store = written();
    let progress = step(store, NO_COMPACTION, 4, 1);
    expect(progress).toMatchObject({ done: -1, target: 4 });
    progress = step(store, progress, 7, 1000);
    expect(progress).toMatchObject({ done: 4, target: 4 });
    expect(step(store, progress, 7, 1000)).toMatchObject({ done: 7, target: 7 });
  });

  it.each([1, 2, 1000])(
    "gives back a version once that one revision supersedes twice, in steps of %d",
    (budget) => {
      const store = new MvccFixture(1);
      store.write((session) => session.put(putRequest("k", "old")));
      store.write(
        (session) => (session.deleteRange(deleteRequest("k")), session.put(putRequest("k", "new"))),
        (session) => session.deleteRange(deleteRequest("k")),
      );
      compact(store, NO_COMPACTION, 4, budget); // each step compares what it says with what is left
      expect([store.count("history"), store.count("event")]).toEqual([0, 1]);
    },
  );

  it("looks up the size of versions whose events do not tell it", () => {
    const store = written();
    forgetSizes(store);
    compact(store, NO_COMPACTION, 7);
    expect(store.count("history")).toBe(0);
  });
});
