import { logStorageContract } from "@quorate/storage";
import type { MemberId } from "@quorate/raft";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RocksKeyValueStore } from "./rocks-key-value-store";
import { RocksLogStorage } from "./rocks-log-storage";

const root = mkdtempSync(join(tmpdir(), "quorate-rocks-log-"));
let places = 0;
const newDirectory = (): string => join(root, String((places += 1)));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const small = { cacheBytes: 2 ** 20, memtableBytes: 2 ** 20 };
const foundation = {
  identity: { clusterId: 1n, clusterName: "c", memberId: 2n as MemberId, memberName: "m", directoryId: "d" },
  configuration: { incoming: [2n as MemberId], outgoing: [], learners: [] },
};

logStorageContract("RocksLogStorage", async () => {
  const directory = newDirectory();
  return {
    create: (newFoundation) => RocksLogStorage.create({ directory, ...small }, newFoundation),
    open: (expected, options) => RocksLogStorage.open({ directory, ...small, ...options }, expected),
    damage: async (column, key, how) => {
      await using store = await RocksKeyValueStore.open({ directory, columns: ["log", "meta"] });
      const batch = store.batch();
      if (how === "delete") batch.del(column, key);
      else {
        const row = new Uint8Array(store.get(column, key)!);
        row[row.length - 1]! ^= 1;
        batch.put(column, key, row);
      }
      batch.write({ sync: true });
    },
  };
});

describe("RocksLogStorage", () => {
  it("names the directory when it is missing or empty, and makes nothing in it", async () => {
    const directory = newDirectory();
    const text = expect.stringContaining(`${directory}: the directory is empty or missing`);
    await expect(RocksLogStorage.open({ directory })).rejects.toMatchObject({
      code: "storage-identity",
      message: text,
    });
    mkdirSync(directory);
    await expect(RocksLogStorage.open({ directory })).rejects.toMatchObject({
      code: "storage-identity",
      message: text,
    });
  });

  it("is not created among other files, nor opened without its CURRENT file", async () => {
    const directory = newDirectory();
    mkdirSync(directory);
    writeFileSync(join(directory, "holiday.jpg"), "");

    await expect(RocksLogStorage.create({ directory }, foundation)).rejects.toMatchObject({
      code: "storage-identity",
    });
    await expect(RocksLogStorage.open({ directory })).rejects.toMatchObject({ code: "storage-corruption" });
  });

  it("may be created again where an earlier creation was cut off", async () => {
    const directory = newDirectory();
    const cutOff = await RocksKeyValueStore.open({
      directory,
      columns: ["log", "meta"],
      createIfMissing: true,
    });
    await cutOff[Symbol.asyncDispose]();
    await expect(RocksLogStorage.open({ directory })).rejects.toMatchObject({ code: "storage-identity" });

    await using log = await RocksLogStorage.create({ directory, ...small }, foundation);

    expect(log.start.incarnation).toBe(1);
  });

  it("is not locked by a start that was refused", async () => {
    const directory = newDirectory();
    await (await RocksLogStorage.create({ directory, ...small }, foundation))[Symbol.asyncDispose]();
    const another = { clusterId: 1n, memberId: 3n as MemberId };
    await expect(RocksLogStorage.open({ directory, ...small }, another)).rejects.toMatchObject({
      code: "storage-identity",
      message: expect.stringContaining(directory),
    });

    await using log = await RocksLogStorage.open({ directory, ...small });

    expect(log.start.incarnation).toBe(2);
  });

  it("is open once at a time", async () => {
    const directory = newDirectory();
    await using log = await RocksLogStorage.create({ directory, ...small }, foundation);
    expect(log.start.incarnation).toBe(1);

    await expect(RocksLogStorage.open({ directory })).rejects.toMatchObject({ code: "storage-locked" });
  });
});
