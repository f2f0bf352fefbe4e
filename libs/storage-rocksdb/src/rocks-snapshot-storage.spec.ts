import { utf8 } from "@quorate/base";
import type { LogIndex } from "@quorate/raft";
import { snapshotStorageContract, StorageCorruptionError } from "@quorate/storage";
import { cpSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RocksSnapshotStorage } from "./rocks-snapshot-storage";

const root = mkdtempSync(join(tmpdir(), "quorate-rocks-snapshot-"));
let places = 0;
const newDirectory = (): string => join(root, String((places += 1)));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const small = { columns: ["a", "b"] as const, cacheBytes: 2 ** 20, memtableBytes: 2 ** 20 };

snapshotStorageContract("RocksSnapshotStorage", async () => {
  const directory = newDirectory();
  return { open: (compacted) => RocksSnapshotStorage.open({ directory, compacted, ...small }) };
});

describe("RocksSnapshotStorage", () => {
  const SNAPSHOT = 7 as LogIndex;

  /** A directory as it is after the switch was decided and before it was begun. */
  async function decided(): Promise<string> {
    const directory = newDirectory();
    await using storage = await RocksSnapshotStorage.open({ directory, compacted: 0 as LogIndex, ...small });
    await new Promise<void>((sealed) =>
      storage.stage((staging) => {
        const batch = staging.batch();
        batch.put("a", utf8("key"), utf8("new"));
        batch.write({ sync: true });
        storage.seal(SNAPSHOT, sealed);
      }),
    );
    return directory;
  }

  async function stateIn(directory: string): Promise<string | undefined> {
    await using storage = await RocksSnapshotStorage.open({ directory, compacted: SNAPSHOT, ...small });
    return storage.store.get("a", utf8("key"))?.toString();
  }

  it.each([
    ["nothing was renamed", [] as const],
    ["the old state was moved away", [["state", "state.replaced"]] as const],
    [
      "both were renamed",
      [
        ["state", "state.replaced"],
        ["state.sealed-7", "state"],
      ] as const,
    ],
  ])("comes to the new state, and tidies up, after a crash when %s", async (_when, renames) => {
    const directory = await decided();
    for (const [from, to] of renames) renameSync(join(directory, from), join(directory, to));

    expect(await stateIn(directory)).toBe("new");
    expect(readdirSync(directory)).toEqual(["state"]);
    expect(await stateIn(directory)).toBe("new");
  });

  it.each<[string, RegExp, (bytes: Buffer) => Buffer | undefined]>([
    ["CURRENT is damaged", /^CURRENT$/, () => Buffer.from("nonsense")],
    ["the manifest is damaged", /^MANIFEST/, (bytes) => bytes.fill(7, 0, 40)],
    ["the manifest is cut", /^MANIFEST/, (bytes) => bytes.subarray(0, 10)],
    ["the manifest is gone", /^MANIFEST/, () => undefined],
    ["a table is gone", /\.sst$/, () => undefined],
  ])("says so when %s", async (_what, files, change) => {
    const directory = newDirectory();
    for (const value of ["first", "second"]) {
      await using storage = await RocksSnapshotStorage.open({
        directory,
        compacted: 0 as LogIndex,
        ...small,
      });
      const batch = storage.store.batch();
      batch.put("a", utf8("key"), utf8(value));
      batch.write({ sync: true });
    }
    const state = join(directory, "state");
    const damaged = readdirSync(state).filter((name) => files.test(name));
    expect(damaged).not.toEqual([]);
    for (const name of damaged) {
      const changed = change(readFileSync(join(state, name)));
      if (changed === undefined) rmSync(join(state, name));
      else writeFileSync(join(state, name), changed);
    }
    const open = RocksSnapshotStorage.open({ directory, compacted: 0 as LogIndex, ...small });
    await expect(open).rejects.toBeInstanceOf(StorageCorruptionError);
  });

  it("replaces the state again if a crash left both the replaced one and the one to be replaced", async () => {
    const directory = await decided();
    cpSync(join(directory, "state"), join(directory, "state.replaced"), { recursive: true });

    expect(await stateIn(directory)).toBe("new");
  });
});
