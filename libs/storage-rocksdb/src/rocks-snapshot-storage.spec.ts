import { utf8 } from "@quorate/base";
import type { LogIndex } from "@quorate/raft";
import { snapshotStorageContract } from "@quorate/storage";
import { cpSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
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

  it("replaces the state again if a crash left both the replaced one and the one to be replaced", async () => {
    const directory = await decided();
    cpSync(join(directory, "state"), join(directory, "state.replaced"), { recursive: true });

    expect(await stateIn(directory)).toBe("new");
  });
});
