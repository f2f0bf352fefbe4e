import { utf8 } from "@quorate/base";
import type { LogIndex, MemberId, Term } from "@quorate/raft";
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
