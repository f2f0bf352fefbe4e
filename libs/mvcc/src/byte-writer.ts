const TWO_TO_31 = 0x8000_0000;

/** A byte sequence that grows as it is written. Reused from batch to batch, so that growing is paid for once. */
export class ByteWriter {
  #bytes: Uint8Array;
  #length = 0;

  constructor(capacity = 4096) {
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  /** A non-negative safe integer in 1 to 8 bytes, least significant seven bits first. */
  varint(value: number): void {
    this.#reserve(8);
    let rest = value;
    // Bit operations see 32 bits only: divide until what is left fits.
    while (rest >= TWO_TO_31) {
      this.#bytes[this.#length++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.#length++] = rest;
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Bytes [from, to) in place: valid until the next write. */
  view(from: number, to: number): Uint8Array {
    return this.#bytes.subarray(from, to);
  }

  /** Forgets everything; keeps the memory unless it has grown past `keepBytesMax`. */
  reset(keepBytesMax: number): void {
    this.#length = 0;
    if (this.#bytes.length > keepBytesMax) this.#bytes = new Uint8Array(4096);
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
