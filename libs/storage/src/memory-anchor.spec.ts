import { anchorContract } from "./anchor.contract";
import { MemoryAnchor, MemoryAnchorDisk } from "./memory-anchor";

anchorContract("MemoryAnchor", async () => {
  const disk = new MemoryAnchorDisk();
  return { open: () => MemoryAnchor.open(disk), flip: async (offset) => disk.flip(offset) };
});
