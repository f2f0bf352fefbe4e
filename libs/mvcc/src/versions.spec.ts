import { textOf } from "@quorate/base";
import { CurrentVersions, PastVersions, versionAt, type Versions } from "./versions";
import { MvccFixture, shown } from "./testing/mvcc-fixture";
import { bytes, deleteRequest, putRequest, revision } from "./testing/requests";
import type { KeyValue } from "./types";

const everything = { key: Uint8Array.of(0), rangeEnd: Uint8Array.of(0) };

function drain(versions: Versions): KeyValue[] {
  const kvs: KeyValue[] = [];
  for (let kv = versions.next(); kv !== undefined; kv = versions.next()) kvs.push(kv);
  versions.close();
  return kvs;
}

/** Keys "a" and "c" once, "b" once per revision from 3 to 102, then "c" is deleted at 103. */
function withLongHistory(): MvccFixture {
  const store = new MvccFixture();
  store.write((session) => (session.put(putRequest("a", "only")), session.put(putRequest("c", "only"))));
  for (let at = 3; at <= 102; at += 1) store.write((session) => session.put(putRequest("b", `v${at}`)));
  store.write((session) => session.deleteRange(deleteRequest("c")));
  return store;
}

describe("PastVersions", () => {
  it("shows each key as it was, whichever column holds it", () => {
    const store = withLongHistory();
    const at = (main: number): string[] => shown(drain(new PastVersions(store, everything, revision(main))));
    expect(at(1)).toEqual([]);
    expect(at(2)).toEqual(["a=only", "c=only"]);
    expect(at(3)).toEqual(["a=only", "b=v3", "c=only"]);
    expect(at(50)).toEqual(["a=only", "b=v50", "c=only"]);
    expect(at(102)).toEqual(["a=only", "b=v102", "c=only"]);
    expect(at(103)).toEqual(["a=only", "b=v102"]);
  });

  it("seeks over a long history of one key instead of reading it", () => {
    const store = withLongHistory();
    store.scans = [];
    drain(new PastVersions(store, everything, revision(50)));
    const history = store.scans.find((scan) => scan.column === "history");
    expect(history?.seeks).toBe(2);
    expect(history?.rows).toBeLessThan(25);
  });

  it("counts what it has not returned", () => {
    const versions = new PastVersions(withLongHistory(), everything, revision(50));
    expect(textOf(versions.next()!.key)).toBe("a");
    expect(versions.countRest()).toBe(2);
    versions.close();
  });

  it("keeps to its bounds when keys hold zero bytes", () => {
    const store = new MvccFixture();
    const names = ["a", "a\0", "a\0\xff", "a\x01", "b"];
    store.write(
      ...names.map((name) => (session: ReturnType<MvccFixture["session"]>) => session.put(putRequest(name))),
    );
    const before = store.revision;
    store.write((session) => session.deleteRange(deleteRequest(Uint8Array.of(0), Uint8Array.of(0))));
    const range = { key: bytes("a\0"), rangeEnd: bytes("a\x01") };
    const keys = drain(new PastVersions(store, range, before)).map((kv) => textOf(kv.key));
    expect(keys).toEqual(["a\0", "a\0\xff"]);
  });
});

describe("CurrentVersions", () => {
  it("counts a long rest without its values", () => {
    const store = new MvccFixture();
    store.write((session) => {
      for (let n = 100; n < 400; n += 1) session.put(putRequest(`k${n}`, "value"));
    });
    store.scans = [];
    const versions = new CurrentVersions(store, everything, 1);
    expect(textOf(versions.next()!.key)).toBe("k100");
    expect(versions.countRest()).toBe(299);
    versions.close();
    expect(store.scans.map((scan) => scan.keysOnly)).toEqual([false, true]);
    expect(store.scans[0]!.rows).toBeLessThan(100);
  });

  it("counts a short rest with the iterator at hand", () => {
    const store = new MvccFixture();
    store.write((session) => (session.put(putRequest("a")), session.put(putRequest("b"))));
    store.scans = [];
    const versions = new CurrentVersions(store, everything);
    versions.next();
    expect(versions.countRest()).toBe(1);
    expect(store.scans).toHaveLength(1);
  });
});

describe("versionAt", () => {
  it("finds the version of one key with one seek", () => {
    const store = withLongHistory();
    store.scans = [];
    expect(shown([versionAt(store, bytes("b"), revision(50))!])).toEqual(["b=v50"]);
    expect(store.scans.map((scan) => scan.rows)).toEqual([1]);
    expect(versionAt(store, bytes("b"), revision(2))).toBeUndefined();
    expect(versionAt(store, bytes("c"), revision(102))?.modRevision).toBe(2);
    expect(versionAt(store, bytes("c"), revision(103))).toBeUndefined();
  });
});
