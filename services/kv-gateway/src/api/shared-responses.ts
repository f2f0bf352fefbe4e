/**
 * Encoded responses that differ only in how they begin: `head`, then `rest`. What thousands of watchers of a stream are told
 * is encoded once, and put together only as far as the client reads.
 */
export class SharedResponses {
  #taken = 0;

  constructor(
    private readonly heads: readonly Uint8Array[],
    readonly rest: Uint8Array,
  ) {}

  /** How many have not been taken yet. */
  get left(): number {
    return this.heads.length - this.#taken;
  }

  /** The next heads, at least one of {@link left} and at most `most`, all equally long. They count as taken. */
  takeAlike(most: number): readonly Uint8Array[] {
    const from = this.#taken;
    const { length } = this.heads[from]!;
    const until = Math.min(from + most, this.heads.length);
    let at = from + 1;
    while (at < until && this.heads[at]!.length === length) at += 1;
    this.#taken = at;
    return this.heads.slice(from, at);
  }

  /** The length of the response that comes next. */
  get nextLength(): number {
    return this.heads[this.#taken]!.length + this.rest.length;
  }

  /** For whoever has no quicker way: sends them whole, one by one, until `send` returns false, and returns that. */
  sendWhole(send: (response: Uint8Array) => boolean): boolean {
    while (this.left > 0) {
      const [head] = this.takeAlike(1);
      if (!send(Buffer.concat([head!, this.rest]))) return false;
    }
    return true;
  }
}
