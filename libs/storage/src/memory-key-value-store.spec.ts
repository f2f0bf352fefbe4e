import { textOf, utf8 } from "@quorate/base";
import { keyValueStoreContract } from "./key-value-store.contract";
import { MemoryDisk } from "./memory-disk";
import { MemoryKeyValueStore } from "./memory-key-value-store";

keyValueStoreContract("MemoryKeyValueStore", async () => {
  const disk = new MemoryDisk<"one" | "two">(["one", "two"]);
  return { open: async () => new MemoryKeyValueStore(disk) };
});

describe("MemoryKeyValueStore on a disk that crashes", () => {
  const write = (store: MemoryKeyValueStore<"rows">, key: string, sync: boolean): void => {
    const batch = store.batch();
    batch.put("rows", utf8(key), utf8("a"));
    batch.put("rows", utf8(`${key}+`), utf8("b"));
    batch.write({ sync });
  };
  const keysOn = (disk: MemoryDisk<"rows">): string[] => {
    using rows = new MemoryKeyValueStore(disk).scan("rows", utf8(""), undefined);
    const keys: string[] = [];
    for (let row = rows.next(); row !== undefined; row = rows.next()) keys.push(textOf(row.key));
    return keys;
  };

  it("keeps what was synced and any prefix of the batches since", () => {
    for (const [kept, expected] of [
      [0, "1 1+ 2 2+"],
      [1, "1 1+ 2 2+ 3 3+"],
      [2, "1 1+ 2 2+ 3 3+ 4 4+"],
      [3, "1 1+ 2 2+ 3 3+ 4"],
    ] as const) {
      const store = new MemoryKeyValueStore<"rows">(["rows"]);
      write(store, "1", false);
      write(store, "2", true);
      write(store, "3", false);
      write(store, "4", false);
      store.clearRange("rows", utf8("4+"), utf8("5"));
      expect(store.disk.unsyncedBatches).toBe(3);

      store.disk.crash(kept);

      expect(keysOn(store.disk).join(" ")).toBe(expected);
    }
  });

  it("ends the store that was open, with its iterators and batches", () => {
    const store = new MemoryKeyValueStore<"rows">(["rows"]);
    const rows = store.scan("rows", utf8(""), undefined);
    const batch = store.batch();

    store.disk.crash(0);

    const closed = expect.objectContaining({ code: "storage-closed" });
    expect(() => store.get("rows", utf8("a"))).toThrow(closed);
    expect(() => rows.next()).toThrow(closed);
    expect(() => batch.write({ sync: true })).toThrow(closed);
  });

  it("may crash again and again, and loses nothing that had survived once", () => {
    const disk = new MemoryDisk<"rows">(["rows"]);
    const first = new MemoryKeyValueStore(disk);
    write(first, "1", false);
    disk.crash(1);
    const second = new MemoryKeyValueStore(disk);
    write(second, "2", false);
    disk.crash(0);

    expect(keysOn(disk)).toEqual(["1", "1+"]);
  });

  it("bounds what may be lost: old batches reach the disk on their own", () => {
    const store = new MemoryKeyValueStore<"rows">(["rows"]);
    for (let batch = 0; batch < 2_000; batch += 1) write(store, String(batch), false);

    expect(store.disk.unsyncedBatches).toBeLessThanOrEqual(1_000);
    store.disk.crash(0);

    expect(keysOn(store.disk).length).toBeGreaterThanOrEqual(2_000);
  });
});
