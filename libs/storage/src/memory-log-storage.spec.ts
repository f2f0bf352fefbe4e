import { utf8 } from "@quorate/base";
import type { LogIndex, MemberId, Term } from "@quorate/raft";
import type { LogColumn } from "./key-value-log-storage";
import { identityRow, LOG_FORMAT, META_KEYS } from "./log-rows";
import { logStorageContract } from "./log-storage.contract";
import { MemoryKeyValueStore } from "./memory-key-value-store";
import { MemoryLogDisk, MemoryLogStorage } from "./memory-log-storage";

logStorageContract("MemoryLogStorage", async () => {
  const disk = new MemoryLogDisk();
  return {
    create: async (foundation) => MemoryLogStorage.create(disk, foundation),
    open: async (expected, options) => MemoryLogStorage.open(disk, expected, options),
    damage: async (column, key, how) => {
      await using store = new MemoryKeyValueStore(disk);
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

describe("MemoryLogStorage on a disk that crashes", () => {
  it("has lost nothing that was appended", () => {
    const disk = new MemoryLogDisk();
    const log = MemoryLogStorage.create(disk, {
      identity: {
        clusterId: 1n,
        clusterName: "c",
        memberId: 1n as MemberId,
        memberName: "m",
        directoryId: "d",
      },
      configuration: { incoming: [1n as MemberId], outgoing: [], learners: [] },
    });
    const entry = {
      index: 1 as LogIndex,
      term: 1 as Term,
      type: "command",
      data: utf8("x"),
      chain: 1,
    } as const;
    log.append([{ truncateFrom: undefined, entries: [entry], hardState: undefined }]);
    expect(disk.unsyncedBatches).toBe(0);

    disk.crash(0);

    const restarted = MemoryLogStorage.open(disk).start;
    expect([restarted.incarnation, restarted.tail]).toEqual([2, [entry]]);
  });
});

describe("a log of a newer format", () => {
  it("is not opened, and nothing in it is changed", async () => {
    const disk = new MemoryLogDisk();
    const identity = {
      clusterId: 1n,
      clusterName: "c",
      memberId: 1n as MemberId,
      memberName: "m",
      directoryId: "d",
    };
    MemoryLogStorage.create(disk, { identity, configuration: { incoming: [], outgoing: [], learners: [] } });
    disk.crash(0);
    await withRows(disk, (store) => {
      const row = identityRow(META_KEYS.identity, identity, LOG_FORMAT + 1);
      const batch = store.batch();
      batch.put("meta", META_KEYS.identity, row);
      batch.write({ sync: true });
    });
    const rows = (): Promise<string> =>
      withRows(disk, (store) => Buffer.from(store.get("meta", META_KEYS.incarnation)!).toString("hex"));
    const before = await rows();

    expect(() => MemoryLogStorage.open(disk)).toThrow(
      expect.objectContaining({ code: "unsupported-version", message: expect.stringContaining("format 2") }),
    );
    expect(await rows()).toBe(before);
  });
});

async function withRows<T>(
  disk: MemoryLogDisk,
  use: (store: MemoryKeyValueStore<LogColumn>) => T,
): Promise<T> {
  await using store = new MemoryKeyValueStore(disk);
  return use(store);
}

describe("an empty disk", () => {
  it("is not the log of a member, whoever is expected: one that lost its log does not come back under its id", () => {
    const expected = { clusterId: 1n, memberId: 2n as MemberId };
    for (const whose of [expected, undefined])
      expect(() => MemoryLogStorage.open(new MemoryLogDisk(), whose)).toThrow(/there is no member in it/);
  });
});
