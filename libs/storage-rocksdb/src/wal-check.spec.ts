import { utf8 } from "@quorate/base";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RocksKeyValueStore } from "./rocks-key-value-store";
import { checkWal } from "./wal-check";

const ROWS = 300;
const VALUE_BYTES = 700; // many records in a block, and some that cross blocks

// Real files of the engine: a database that is copied while it is open looks as after a kill.
describe("checkWal", () => {
  const root = mkdtempSync(join(tmpdir(), "quorate-wal-"));
  const written = join(root, "written");
  let copies = 0;

  beforeAll(async () => {
    const open = join(root, "open");
    await using store = await RocksKeyValueStore.open({
      directory: open,
      columns: ["log", "meta"],
      createIfMissing: true,
    });
    for (let row = 0; row < ROWS; row += 1) {
      const batch = store.batch();
      // Big ones now and then: records of several parts.
      batch.put("log", utf8(`row ${row}`), new Uint8Array(row % 50 === 49 ? 100_000 : VALUE_BYTES).fill(row));
      batch.write({ sync: true });
    }
    cpSync(open, written, { recursive: true });
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  /** A copy whose write-ahead log was changed. */
  function damaged(change: (log: Buffer) => Buffer): string {
    const copy = join(root, `copy-${(copies += 1)}`);
    cpSync(written, copy, { recursive: true });
    const [file] = readdirSync(copy).filter((name) => name.endsWith(".log"));
    writeFileSync(join(copy, file!), change(readFileSync(join(copy, file!))));
    return copy;
  }

  async function rowsLeft(directory: string): Promise<number> {
    await using store = await RocksKeyValueStore.open({ directory, columns: ["log", "meta"] });
    using rows = store.scan("log", new Uint8Array(0), undefined, { keysOnly: true });
    let count = 0;
    while (rows.next() !== undefined) count += 1;
    return count;
  }

  it("finds nothing in what was written, nor in a directory without logs", () => {
    expect(checkWal(written)).toEqual([]);
    expect(checkWal(mkdtempSync(join(root, "empty-")))).toEqual([]);
  });

  it.each([0.001, 0.1, 0.3, 0.5, 0.77, 0.95])(
    "tells a flipped bit at %d of the file as rot, which costs all rows behind it without a word",
    async (where) => {
      const copy = damaged((log) => {
        log[Math.floor(log.length * where)]! ^= 4;
        return log;
      });

      const [damage, ...others] = checkWal(copy);
      expect(others).toEqual([]);
      expect(damage).toMatchObject({ kind: "rot", file: expect.stringMatching(/^\d+\.log$/) as string });
      expect(damage!.soundAfter).toBeGreaterThan(0);
      expect(await rowsLeft(copy)).toBeLessThan(ROWS);
    },
  );

  it("tells a block of zeros in the middle as rot, though zeros at the end are nothing", () => {
    const zeroed = damaged((log) => log.fill(0, 40_000, 50_000));
    const longer = damaged((log) => Buffer.concat([log, Buffer.alloc(100_000)]));

    expect(checkWal(zeroed)).toMatchObject([{ kind: "rot" }]);
    expect(checkWal(longer)).toEqual([]);
  });

  it.each([1, 5, 100, 650])("tells a last record that lacks %d bytes as torn", async (missing) => {
    const copy = damaged((log) => log.subarray(0, log.length - missing));

    expect(checkWal(copy)).toMatchObject([{ kind: "torn", soundAfter: 0 }]);
    expect(await rowsLeft(copy)).toBe(ROWS - 1);
  });

  it("tells rubbish behind the last record as torn", () => {
    const copy = damaged((log) => Buffer.concat([log, Buffer.from("rubbish".repeat(20))]));

    expect(checkWal(copy)).toMatchObject([{ kind: "torn" }]);
  });

  it("cannot see that whole records are missing at the end: that takes a witness elsewhere", async () => {
    const [file] = readdirSync(written).filter((name) => name.endsWith(".log"));
    const log = readFileSync(join(written, file!));
    const record = 7 + log.readUInt16LE(4);
    const copy = damaged((whole) => whole.subarray(0, record));

    expect(checkWal(copy)).toEqual([]);
    expect(await rowsLeft(copy)).toBeLessThan(ROWS);
  });
});
