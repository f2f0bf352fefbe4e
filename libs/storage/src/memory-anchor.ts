import { SlottedAnchor, type AnchorMedium } from "./slotted-anchor";
import { ANCHOR_SLOT_BYTES } from "./anchor-slot";

/** Where a {@link MemoryAnchor} keeps its slots; survives any crash, as what is synced does. */
export class MemoryAnchorDisk implements AnchorMedium {
  readonly place = "the memory disk";
  #bytes = new Uint8Array(0);

  read(): Uint8Array {
    return this.#bytes.slice();
  }

  write(offset: number, bytes: Uint8Array): void {
    if (this.#bytes.length === 0) this.#bytes = new Uint8Array(2 * ANCHOR_SLOT_BYTES);
    this.#bytes.set(bytes, offset);
  }

  /** Changes one bit, as failing hardware would. Of a disk that was written. */
  flip(offset: number): void {
    this.#bytes[offset]! ^= 1;
  }

  [Symbol.dispose](): void {}
}

/** An anchor in memory: the same slots as in a file. */
export const MemoryAnchor = {
  open: (disk: MemoryAnchorDisk): SlottedAnchor => SlottedAnchor.open(disk),
};
