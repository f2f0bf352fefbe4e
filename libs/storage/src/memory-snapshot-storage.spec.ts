import { MemorySnapshotStorage, MemoryStatePlace } from "./memory-snapshot-storage";
import { snapshotStorageContract } from "./snapshot-storage.contract";

snapshotStorageContract("MemorySnapshotStorage", async () => {
  const place = new MemoryStatePlace(["a", "b"] as const);
  return { open: async (compacted) => new MemorySnapshotStorage(place, compacted) };
});
