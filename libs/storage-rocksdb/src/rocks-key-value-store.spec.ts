import { utf8 } from "@quorate/base";
import { keyValueStoreContract } from "@quorate/storage";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RocksKeyValueStore } from "./rocks-key-value-store";

const root = mkdtempSync(join(tmpdir(), "quorate-rocks-"));
let places = 0;
const newDirectory = (): string => join(root, String((places += 1)));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const open = (directory: string, createIfMissing = true): Promise<RocksKeyValueStore<"one" | "two">> =>
  RocksKeyValueStore.open({
    directory,
    columns: ["one", "two"],
    cacheBytes: 2 ** 20,
    memtableBytes: 2 ** 20,
    createIfMissing,
  });

keyValueStoreContract("RocksKeyValueStore", async () => {
  const directory = newDirectory();
  return { open: () => open(directory) };
});

describe("RocksKeyValueStore", () => {
  it("says that there is no database where one is expected", async () => {
    await expect(open(newDirectory(), false)).rejects.toMatchObject({
      code: "storage-open",
      message: expect.stringMatching(/there is none\. Check the directory/),
    });
  });

  it("says that a path is not a directory", async () => {
    const path = newDirectory();
    writeFileSync(path, "");

    await expect(open(path)).rejects.toMatchObject({
      code: "storage-open",
      message: expect.stringMatching(/not a directory/),
    });
  });

  // Permissions do not bind root.
  (process.getuid?.() === 0 ? it.skip : it)("says that it lacks a permission", async () => {
    const directory = newDirectory();
    await (await open(directory))[Symbol.asyncDispose]();
    chmodSync(directory, 0o500);

    await expect(open(directory)).rejects.toMatchObject({
      code: "storage-open",
      message: expect.stringMatching(/no permission/),
    });
    chmodSync(directory, 0o700);
  });

  it("does not open a database that has columns it was not told of", async () => {
    const directory = newDirectory();
    await (await open(directory))[Symbol.asyncDispose]();

    const opening = RocksKeyValueStore.open({ directory, columns: ["one"] });

    await expect(opening).rejects.toMatchObject({
      code: "unsupported-version",
      message: expect.stringMatching(/columns/),
    });
  });

  it("does not open a damaged database, and leaves it unlocked", async () => {
    const directory = newDirectory();
    await (await open(directory))[Symbol.asyncDispose]();
    const manifest = join(
      directory,
      readdirSync(directory).find((name) => name.startsWith("MANIFEST"))!,
    );
    const sound = readFileSync(manifest);
    writeFileSync(
      manifest,
      sound.map((byte, at) => (at > 20 && at < 60 ? byte ^ 0xff : byte)),
    );
    await expect(open(directory)).rejects.toMatchObject({ code: "storage-corruption" });

    writeFileSync(manifest, sound);

    await (await open(directory))[Symbol.asyncDispose]();
  });

  it("reports a damaged table as corruption, to a read and to a scan", async () => {
    const directory = newDirectory();
    const filled = await open(directory);
    const batch = filled.batch();
    for (let row = 0; row < 2_000; row += 1)
      batch.put("one", utf8(`key-${row}`), utf8("sought-value".repeat(20)));
    batch.write({ sync: true });
    await filled[Symbol.asyncDispose]();
    // Opening turns the write-ahead log into tables.
    await (await open(directory))[Symbol.asyncDispose]();
    for (const name of readdirSync(directory).filter((file) => file.endsWith(".sst"))) {
      const table = readFileSync(join(directory, name));
      const at = table.indexOf("sought-value");
      if (at < 0) continue;
      for (let byte = at; byte < table.length / 2; byte += 1_000) table[byte]! ^= 1;
      writeFileSync(join(directory, name), table);
    }

    await using store = await open(directory);

    const corruption = expect.objectContaining({ code: "storage-corruption" });
    const keys = Array.from({ length: 2_000 }, (_, row) => utf8(`key-${row}`));
    expect(() => store.getMany("one", keys)).toThrow(corruption);
    using rows = store.scan("one", utf8(""), undefined);
    expect(() => {
      while (rows.next() !== undefined);
    }).toThrow(corruption);
  });

  it("knows about its size on disk", async () => {
    await using store = await open(newDirectory());
    const before = store.sizeBytes();
    const batch = store.batch();
    batch.put("one", utf8("a"), new Uint8Array(1_000_000));
    batch.write({ sync: true });

    expect(store.sizeBytes()).toBeGreaterThan(before + 900_000);
  });

  it("refuses every write after one that failed", async () => {
    await using store = await open(newDirectory());
    const failing = store.batch();
    failing.put("one", utf8("a"), utf8("1"));
    failing.put("one", "not bytes" as unknown as Uint8Array, utf8("2"));
    const writeError = expect.objectContaining({ code: "storage-write" });
    expect(() => failing.write({ sync: true })).toThrow(writeError);

    const sound = store.batch();
    sound.put("one", utf8("b"), utf8("2"));

    expect(() => sound.write({ sync: true })).toThrow(writeError);
    expect(() => store.clearRange("one", utf8("a"), utf8("b"))).toThrow(writeError);
    expect(store.getMany("one", [utf8("a"), utf8("b")])).toEqual([undefined, undefined]);
  });

  it("writes nothing of a batch that names an unknown column", async () => {
    await using store = await open(newDirectory());
    const batch = store.batch();
    batch.put("one", utf8("a"), utf8("1"));
    batch.put("three" as "one", utf8("b"), utf8("2"));

    expect(() => batch.write({ sync: false })).toThrow(/a column is declared/);
    expect(store.get("one", utf8("a"))).toBeUndefined();
  });
});
