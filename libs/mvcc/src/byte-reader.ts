import { invariant } from "@quorate/base";

/** Reads what `ByteWriter` wrote. Bytes that do not decode are a bug or a rotten disk: an invariant either way. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #offset: number;

  constructor(bytes: Uint8Array, offset = 0) {
    this.#bytes = bytes;
    this.#offset = offset;
  }

  get atEnd(): boolean {
    return this.#offset >= this.#bytes.length;
  }

  byte(): number {
    const value = this.#bytes[this.#offset];
    invariant(value !== undefined, "a stored row is complete", { offset: this.#offset });
    this.#offset += 1;
    return value;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
  }

  /** A view into the row, not a copy. */
  raw(length: number): Uint8Array {
    const end = this.#offset + length;
    invariant(end <= this.#bytes.length, "a stored row is complete", { end, length: this.#bytes.length });
    const part = this.#bytes.subarray(this.#offset, end);
    this.#offset = end;
    return part;
  }
}
