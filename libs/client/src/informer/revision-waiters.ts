interface Waiter {
  readonly revision: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Those who wait until something has reached a revision. */
export class RevisionWaiters {
  readonly #waiters = new Set<Waiter>();

  get size(): number {
    return this.#waiters.size;
  }

  /** Rejects with the signal's reason, or with what `reject` is given. */
  wait(revision: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const settled = (settle: () => void): void => {
        this.#waiters.delete(waiter);
        signal?.removeEventListener("abort", abort);
        settle();
      };
      const waiter: Waiter = {
        revision,
        resolve: () => settled(resolve),
        reject: (error) => settled(() => reject(error as Error)),
      };
      const abort = (): void => waiter.reject(signal?.reason);
      this.#waiters.add(waiter);
      signal?.addEventListener("abort", abort, { once: true });
      if (signal?.aborted === true) abort();
    });
  }

  reached(revision: number): void {
    for (const waiter of [...this.#waiters]) if (waiter.revision <= revision) waiter.resolve();
  }

  reject(error: unknown): void {
    for (const waiter of [...this.#waiters]) waiter.reject(error);
  }
}
