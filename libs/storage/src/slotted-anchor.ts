import type { Anchor, AnchorRecord } from "./anchor";
import { ANCHOR_SLOT_BYTES, decodeAnchorSlot, encodeAnchorSlot, type AnchorSlot } from "./anchor-slot";
import { StorageOpenError } from "./errors";

/** Where the slots of an anchor are: two, one behind the other. */
export interface AnchorMedium extends Disposable {
  /** For error texts: a path, as a rule. */
  readonly place: string;
  /** All that is there; nothing, if it was never written. */
  read(): Uint8Array;
  /** Puts `bytes` at `offset`, and makes that durable. @throws {StorageWriteError} */
  write(offset: number, bytes: Uint8Array): void;
}

const SLOTS = [0, 1] as const;

/**
 * An {@link Anchor} of two slots that are written in turn. A crash in the middle of a write tears the older of the two and
 * leaves the newer one, which is what was promised until then.
 */
export class SlottedAnchor implements Anchor {
  readonly found: AnchorRecord | undefined;
  readonly damagedSlots: number;
  readonly #medium: AnchorMedium;
  #sequence: number;
  /** The slot to write next. */
  #next: number;

  private constructor(medium: AnchorMedium, slots: readonly AnchorSlot[]) {
    this.#medium = medium;
    let newest = -1;
    let sequence = 0;
    let found: AnchorRecord | undefined;
    slots.forEach((slot, at) => {
      if (slot.kind === "record" && slot.sequence > sequence)
        [newest, sequence, found] = [at, slot.sequence, slot.record];
    });
    this.found = found;
    this.damagedSlots = slots.filter(({ kind }) => kind === "damaged").length;
    this.#sequence = sequence;
    this.#next = newest === 0 ? 1 : 0;
  }

  /** @throws {StorageOpenError} it was written by a newer version. */
  static open(medium: AnchorMedium): SlottedAnchor {
    const bytes = medium.read();
    const slots = SLOTS.map((slot) =>
      decodeAnchorSlot(bytes.subarray(slot * ANCHOR_SLOT_BYTES, (slot + 1) * ANCHOR_SLOT_BYTES)),
    );
    for (const slot of slots) {
      if (slot.kind !== "newer-format") continue;
      throw new StorageOpenError(
        `Cannot read the anchor in ${medium.place}: it has format ${slot.format}, which is newer than this version. ` +
          `Start the version that wrote it, or a newer one`,
      );
    }
    return new SlottedAnchor(medium, slots);
  }

  write(record: AnchorRecord): void {
    this.#sequence += 1;
    this.#medium.write(this.#next * ANCHOR_SLOT_BYTES, encodeAnchorSlot(this.#sequence, record));
    this.#next = 1 - this.#next;
  }

  [Symbol.dispose](): void {
    this.#medium[Symbol.dispose]();
  }
}
