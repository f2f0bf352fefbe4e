export interface BackOffOptions {
  /** The first wait, in milliseconds; each further one is twice as long. */
  readonly firstMs: number;
  readonly maxMs: number;
}

/** How long to wait before trying again: doubling from the first to the maximum, until something went well. */
export class BackOff {
  #nextMs: number;

  constructor(private readonly options: BackOffOptions) {
    this.#nextMs = options.firstMs;
  }

  next(): number {
    const waitMs = this.#nextMs;
    this.#nextMs = Math.min(waitMs * 2, this.options.maxMs);
    return waitMs;
  }

  reset(): void {
    this.#nextMs = this.options.firstMs;
  }
}
