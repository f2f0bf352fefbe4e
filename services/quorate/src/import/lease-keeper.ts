import type { EtcdLease } from "@quorate/bbolt";
import { forEachOf, type ImportTarget } from "./import-target";

/** How often it is looked which leases are due. */
const LOOK_EVERY_MS = 500;

/** Renews leases while something is imported, so that none ends, with the keys attached to it, before the import does. */
export class LeaseKeeper implements AsyncDisposable {
  readonly #dueAt = new Map<bigint, { readonly lease: EtcdLease; at: number }>();
  readonly #timer: NodeJS.Timeout;
  #renewing: Promise<void> = Promise.resolve();
  #isRenewing = false;
  #failure: unknown;

  constructor(private readonly target: ImportTarget) {
    this.#timer = setInterval(() => {
      if (!this.#isRenewing) this.#renewing = this.#renew(Date.now());
    }, LOOK_EVERY_MS);
  }

  /** Keeps it from now on. */
  granted(lease: EtcdLease): void {
    this.#dueAt.set(lease.id, { lease, at: dueAt(lease) });
  }

  /** Renews all of them once more, and no longer: they have their whole TTL from here. @throws what a renewal failed with. */
  async finish(): Promise<void> {
    clearInterval(this.#timer);
    await this.#renewing;
    await this.#renew(Infinity);
    if (this.#failure !== undefined) throw this.#failure as Error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#renewing;
  }

  /** Never rejects. */
  async #renew(now: number): Promise<void> {
    this.#isRenewing = true;
    try {
      const due = [...this.#dueAt.values()].filter(({ at }) => at <= now);
      await forEachOf(due, async (kept) => {
        await this.target.renew(kept.lease);
        kept.at = dueAt(kept.lease);
      });
    } catch (error) {
      this.#failure ??= error;
    }
    this.#isRenewing = false;
  }
}

function dueAt({ ttlSeconds }: EtcdLease): number {
  return Date.now() + (Number(ttlSeconds) * 1000) / 3;
}
