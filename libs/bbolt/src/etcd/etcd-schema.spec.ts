import { hexOf } from "@quorate/base";
import { DamagedDatabaseError } from "../errors";
import { hasSnapshotDigest } from "./etcd-schema";
import { decodeLeaseRow, encodeLeaseRow, leaseKey } from "./lease-row";
import { revisionKey, revisionOfKey } from "./revision-key";

describe("keys of changes", () => {
  it("are etcd's", () => {
    expect(hexOf(revisionKey({ main: 258, sub: 1, isTombstone: false }))).toBe(
      "0000000000000102" + "5f" + "0000000000000001",
    );
    expect(hexOf(revisionKey({ main: 2, sub: 0, isTombstone: true }))).toBe(
      "0000000000000002" + "5f" + "0000000000000000" + "74",
    );
  });

  it.each([
    { main: 1, sub: 0, isTombstone: false },
    { main: Number.MAX_SAFE_INTEGER, sub: 127, isTombstone: true },
  ])("are read as they were written: %o", (revision) => {
    expect(revisionOfKey(revisionKey(revision))).toEqual(revision);
  });

  it("are told apart from others", () => {
    expect(revisionOfKey(new Uint8Array(16))).toBeUndefined();
    expect(revisionOfKey(new Uint8Array(17))).toBeUndefined();
    expect(
      revisionOfKey(revisionKey({ main: 1, sub: 2, isTombstone: false }).fill(255, 0, 8)),
    ).toBeUndefined();
  });
});

describe("leases", () => {
  it.each([
    { id: 1n, ttlSeconds: 60n, remainingSeconds: 0n },
    { id: -1n, ttlSeconds: 9_000_000_000n, remainingSeconds: 17n },
    { id: 0x7fff_ffff_ffff_ffffn, ttlSeconds: 1n, remainingSeconds: 0n },
  ])("are read as they were written: %o", (lease) => {
    expect(decodeLeaseRow(encodeLeaseRow(lease))).toEqual(lease);
  });

  it("are damaged if they are cut off, or have what no lease has", () => {
    expect(() => decodeLeaseRow(Uint8Array.of(8))).toThrow(DamagedDatabaseError);
    expect(() => decodeLeaseRow(Uint8Array.of(10, 1, 0))).toThrow(DamagedDatabaseError);
    expect(() => decodeLeaseRow(new Uint8Array(20).fill(0x88))).toThrow(DamagedDatabaseError);
    expect(() => decodeLeaseRow(new Uint8Array(1026).fill(8))).toThrow(DamagedDatabaseError); // id 8, five hundred times
  });

  it("have their ids, of either sign, as keys", () => {
    expect(hexOf(leaseKey(-2n))).toBe("fffffffffffffffe");
  });
});

describe("a snapshot's size", () => {
  it("tells whether it ends with a digest", () => {
    expect(hasSnapshotDigest(20480 + 32)).toBe(true);
    expect(hasSnapshotDigest(20480)).toBe(false);
  });
});
