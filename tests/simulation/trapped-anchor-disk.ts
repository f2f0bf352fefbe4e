import { MemoryAnchor, MemoryAnchorDisk } from "@quorate/storage";
import type { Boundary } from "./schedule";

/** A disk of an anchor before, and in the middle of, whose writes the process may end. */
export class TrappedAnchorDisk extends MemoryAnchorDisk {
  /** @param cross Throws if the process ends there. */
  constructor(private readonly cross: (boundary: Boundary) => void) {
    super();
  }

  override write(offset: number, bytes: Uint8Array): void {
    this.cross("anchor-write");
    super.write(offset, bytes);
    try {
      this.cross("anchor-torn");
    } catch (error) {
      this.flip(offset + bytes.length / 2);
      throw error;
    }
  }

  /** @returns false: the other slot holds nothing, and this one is left as it was. */
  loseSlot(slot: number): boolean {
    const { length } = this.read();
    if (length === 0) return false;
    const middle = ((slot + 0.5) * length) / 2;
    this.flip(middle);
    if (MemoryAnchor.open(this).found !== undefined) return true;
    this.flip(middle);
    return false;
  }
}
