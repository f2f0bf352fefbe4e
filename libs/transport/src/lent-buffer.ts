const POISON = 0xdd;
const MARGIN_BYTES = 16;

/**
 * Lends bytes the way a client library does: as a view into a larger buffer that is overwritten afterwards. Who keeps the
 * view, takes its `buffer` for the message, or writes beyond it, sees poison instead of working by luck.
 */
export class LentBuffer {
  #memory = new Uint8Array(4096).fill(POISON);

  lend(bytes: Uint8Array, use: (view: Uint8Array) => void): void {
    const needed = bytes.length + 2 * MARGIN_BYTES;
    if (needed > this.#memory.length) this.#memory = new Uint8Array(needed * 2).fill(POISON);
    const memory = this.#memory;
    memory.set(bytes, MARGIN_BYTES);
    try {
      use(memory.subarray(MARGIN_BYTES, MARGIN_BYTES + bytes.length));
    } finally {
      memory.fill(POISON, MARGIN_BYTES, MARGIN_BYTES + bytes.length);
    }
  }
}
