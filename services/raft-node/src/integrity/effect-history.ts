import type { EffectDigest } from "@quorate/wire";

/** Indexes that are remembered: far more than members that answer heartbeats lie apart. A power of two. */
const HASHES_KEPT = 16_384;

/** The effect hashes of the newest entries that this member has applied: what others' hashes are held against. */
export class EffectHistory {
  readonly #hashes = new Uint32Array(HASHES_KEPT);
  /** The first and last index that are known; none if `first` is beyond `last`. */
  #first = 1;
  #last = 0;

  /** Where applied state stands; `undefined` before anything was applied. */
  get newest(): EffectDigest | undefined {
    return this.at(this.#last);
  }

  get lastIndex(): number {
    return this.#last;
  }

  /** Entries up to `last` were applied; `hashes` are those after each of them. */
  applied(last: number, hashes: readonly number[]): void {
    const first = last - hashes.length + 1;
    if (first !== this.#last + 1) this.#first = first;
    hashes.forEach((hash, at) => (this.#hashes[(first + at) % HASHES_KEPT] = hash));
    this.#last = last;
    this.#first = Math.max(this.#first, last - HASHES_KEPT + 1);
  }

  /** The state is another one: nothing before it is known. */
  restart(at: EffectDigest): void {
    this.#first = at.index;
    this.#last = at.index;
    this.#hashes[at.index % HASHES_KEPT] = at.hash;
  }

  at(index: number): EffectDigest | undefined {
    if (index <= 0 || index < this.#first || index > this.#last) return undefined;
    return { index, hash: this.#hashes[index % HASHES_KEPT]! };
  }
}
