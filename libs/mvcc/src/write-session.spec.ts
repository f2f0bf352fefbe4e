import { textOf } from "@quorate/base";
import { range } from "./range";
import { MvccFixture, shown } from "./testing/mvcc-fixture";
import { bytes, deleteRequest, lease, putRequest, rangeRequest, revision } from "./testing/requests";
import type { MvccColumn, WriteBatch } from "./view";
import type { WriteSession } from "./write-session";

const zero = Uint8Array.of(0);

function writesOf(session: WriteSession): string[] {
  const writes: string[] = [];
  const batch: WriteBatch = {
    put: (column: MvccColumn) => writes.push(`put ${column}`),
    del: (column: MvccColumn) => writes.push(`del ${column}`),
  };
  session.flush(batch);
  return writes.sort();
}

function contents(store: MvccFixture, at = 0): string[] {
  return shown(range(store, rangeRequest(zero, zero, { revision: revision(at) }), store.revision).kvs);
}

describe("WriteSession", () => {
  it("counts versions from the creation of a key and begins anew after a delete", () => {
    const store = new MvccFixture();
    const seen: string[] = [];
    const put = (session: WriteSession): void => {
      session.put(putRequest("k"));
      const { kv } = session.events.at(-1)!;
      seen.push(`${kv.createRevision}/${kv.modRevision}/${kv.version}`);
    };
    store.write(put, put);
    store.write(put, (session) => session.deleteRange(deleteRequest("k")));
    store.write(put, put);
    expect(seen).toEqual(["2/2/1", "2/3/2", "2/4/3", "6/6/1", "6/7/2"]);
  });

  it("writes a new key once, and a known one twice: the new version and the old", () => {
    const store = new MvccFixture();
    const session = store.session();
    session.begin();
    session.put(putRequest("new"));
    session.end();
    expect(writesOf(session)).toEqual(["put event", "put latest"]);

    store.write((first) => first.put(putRequest("k")));
    const update = store.session();
    update.begin();
    update.put(putRequest("k"));
    update.end();
    expect(writesOf(update)).toEqual(["put event", "put history", "put latest"]);
  });

  it("writes a key that changes often in one batch once, with all its versions", () => {
    const store = new MvccFixture();
    const session = store.session();
    for (let n = 0; n < 5; n += 1) {
      session.begin();
      session.put(putRequest("k"));
      session.end();
    }
    expect(writesOf(session)).toEqual(["put event", ...Array<string>(4).fill("put history"), "put latest"]);
  });

  it("keeps no row of a key that begins and ends in one batch, but its past", () => {
    const store = new MvccFixture();
    store.write(
      (session) => session.put(putRequest("k", "here")),
      (session) => session.deleteRange(deleteRequest("k")),
    );
    expect([store.count("latest"), store.count("history")]).toEqual([0, 1]);
    expect(contents(store, 2)).toEqual(["k=here"]);
    expect(contents(store, 3)).toEqual([]);
  });

  it("keeps no history of what begins and ends within one revision", () => {
    const store = new MvccFixture();
    store.write((session) => session.put(putRequest("k", "old")));
    store.write((session) => {
      session.put(putRequest("k", "unseen"));
      session.deleteRange(deleteRequest("k"));
    });
    expect(store.count("history")).toBe(1);
    expect(contents(store, 2)).toEqual(["k=old"]);
    expect(contents(store)).toEqual([]);
  });

  it("shows each command what earlier ones did, at past revisions of the same batch too", () => {
    const store = new MvccFixture();
    store.write((session) => session.put(putRequest("a", "1")));
    store.write(
      (session) => session.put(putRequest("b", "2")),
      (session) => session.deleteRange(deleteRequest("a")),
      (session) => {
        const at = (main: number): string[] =>
          shown(
            range(
              session.view,
              rangeRequest(zero, zero, { revision: revision(main) }),
              session.visibleRevision,
            ).kvs,
          );
        expect([at(0), at(3), at(2)]).toEqual([["b=2"], ["a=1", "b=2"], ["a=1"]]);
      },
    );
  });

  it("keeps what is to be ignored, detaches a lease that is not named", () => {
    const store = new MvccFixture();
    const state = (): [string, bigint] => {
      const kv = range(store, rangeRequest("k"), store.revision).kvs[0]!;
      return [textOf(kv.value), kv.lease];
    };
    store.write((session) => session.put(putRequest("k", "v", { lease: lease(7n) })));
    store.write((session) => session.put(putRequest("k", "w", { ignoreLease: true })));
    expect(state()).toEqual(["w", 7n]);
    store.write((session) => session.put(putRequest("k", "", { ignoreValue: true, lease: lease(8n) })));
    expect(state()).toEqual(["w", 8n]);
    store.write((session) => session.put(putRequest("k", "x")));
    expect(state()).toEqual(["x", 0n]);
  });

  it("numbers the keys of a range delete in key order and gives their previous versions", () => {
    const store = new MvccFixture();
    store.write((session) => (session.put(putRequest("b", "2")), session.put(putRequest("a", "1"))));
    store.write((session) => {
      const response = session.deleteRange(deleteRequest("a", "z", true));
      expect(response).toMatchObject({ deleted: 2, revision: 3 });
      expect(shown(response.prevKvs)).toEqual(["a=1", "b=2"]);
      expect(session.events.map((event) => `${event.main}.${event.sub} ${textOf(event.kv.key)}`)).toEqual([
        "3.0 a",
        "3.1 b",
      ]);
      expect(session.events[0]!.kv).toEqual({
        key: bytes("a"),
        createRevision: 0,
        modRevision: 3,
        version: 0,
        value: new Uint8Array(0),
        lease: 0n,
      });
    });
  });

  it("takes no revision for a delete that finds nothing", () => {
    const store = new MvccFixture();
    store.write((session) =>
      expect(session.deleteRange(deleteRequest("a", "z"))).toMatchObject({ deleted: 0, revision: 1 }),
    );
    expect([store.revision, store.count("event")]).toEqual([1, 0]);
  });
});
