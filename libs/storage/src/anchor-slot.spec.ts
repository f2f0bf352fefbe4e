import { crc32c, writeUint32 } from "@quorate/base";
import type { LogIndex, MemberId, Term } from "@quorate/raft";
import { ANCHOR_SLOT_BYTES, decodeAnchorSlot, encodeAnchorSlot } from "./anchor-slot";
import { MemoryAnchor, MemoryAnchorDisk } from "./memory-anchor";

const record = {
  clusterId: 1n,
  memberId: 2n as MemberId,
  incarnation: 3,
  term: 4 as Term,
  vote: 5n as MemberId,
  last: { term: 4 as Term, index: 6 as LogIndex },
  chain: 7,
};

describe("An anchor slot", () => {
  it("looks as it did in the first version: files of it must stay readable", () => {
    const slot = encodeAnchorSlot(8, record);

    expect(slot.length).toBe(ANCHOR_SLOT_BYTES);
    expect(Buffer.from(slot.subarray(0, 88)).toString("hex").match(/.{16}/g)).toEqual([
      "51554f52414e4348", // QUORANCH
      "0000000100000003",
      "0000000000000008",
      "0000000000000001",
      "0000000000000002",
      "0000000000000003",
      "0000000000000004",
      "0000000000000005",
      "0000000000000004",
      "0000000000000006",
      "0000000000000007",
    ]);
    expect(decodeAnchorSlot(slot)).toEqual({ kind: "record", sequence: 8, record });
  });

  it("is damaged when it ends too early, and empty when only zeros are left", () => {
    const slot = encodeAnchorSlot(8, record);

    expect(decodeAnchorSlot(slot.subarray(0, 100))).toEqual({ kind: "damaged" });
    expect(decodeAnchorSlot(new Uint8Array(0))).toEqual({ kind: "empty" });
    expect(decodeAnchorSlot(new Uint8Array(ANCHOR_SLOT_BYTES))).toEqual({ kind: "empty" });
  });

  it("of a newer version is refused, not taken for damage that may be written over", () => {
    const slot = encodeAnchorSlot(8, record);
    writeUint32(slot, 8, 2);
    writeUint32(slot, ANCHOR_SLOT_BYTES - 4, crc32c(slot.subarray(0, ANCHOR_SLOT_BYTES - 4)));
    const disk = new MemoryAnchorDisk();
    disk.write(0, slot);

    expect(() => MemoryAnchor.open(disk)).toThrow(/format 2/);
  });
});
