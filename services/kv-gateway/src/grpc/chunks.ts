/** Messages that are written in one turn leave together, up to so many bytes; larger ones by themselves. */
export const CHUNK_BYTES = 32 * 1024;

/** Those that are kept for the next who needs one. */
const SPARE_MAX = 64;

/** Memory to put messages together in. To get it anew for each chunk would cost more than to fill it. */
export class Chunks {
  readonly #spare: Buffer[] = [];

  /** Memory of its own, {@link CHUNK_BYTES} long, with anything in it. */
  take(): Buffer {
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES);
  }

  /** @param chunk From {@link take}; nobody uses it any more. */
  giveBack(chunk: Buffer): void {
    if (this.#spare.length < SPARE_MAX) this.#spare.push(chunk);
  }
}
