const CHUNK_BYTES = 32 << 10;

/** Where zeroed bytes come from. */
export interface Allocator {
  take(length: number): Uint8Array;
}

/** Memory of its own for each. */
export const OWN_MEMORY: Allocator = { take: (length) => new Uint8Array(length) };

/**
 * Hands out zeroed bytes cut from larger chunks: an array of its own for each small row costs several times the work of
 * filling it. What is taken from one arena stays in memory together; posting any of it to another thread copies a chunk.
 */
export class ByteArena implements Allocator {
  #chunk = new Uint8Array(0);
  #used = 0;

  take(length: number): Uint8Array {
    if (length > CHUNK_BYTES / 4) return new Uint8Array(length);
    if (this.#used + length > this.#chunk.length) {
      this.#chunk = new Uint8Array(CHUNK_BYTES);
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += length;
    return this.#chunk.subarray(start, this.#used);
  }

  copy(bytes: Uint8Array): Uint8Array {
    const copy = this.take(bytes.length);
    copy.set(bytes);
    return copy;
  }
}
