import { textOf } from "@quorate/base";
import { QuorateError } from "../errors";
import type { Lease } from "../lease";
import { compare, type Condition } from "../transaction";
import type { RecipeDependencies } from "./recipe-dependencies";
import { untilDeleted } from "./until-deleted";

/** Why a claim is held no longer, or will never be: the reason of its `lost` signal. */
export class ClaimLostError extends Error {
  override readonly name = "ClaimLostError";
  readonly code = "claim-lost";

  constructor(
    readonly key: Uint8Array,
    why: string,
    options?: ErrorOptions,
  ) {
    super(`Lost ${textOf(key)}: ${why}`, options);
  }
}

export interface ClaimFields {
  readonly key: Uint8Array;
  /** The revision that made the key. */
  readonly createRevision: number;
  /** The revision at which the claim was first in line. */
  readonly revision: number;
  /** The claim's own: ended with it. */
  readonly lease: Lease;
}

/**
 * The first place in the line of a name, held by a key on a lease of its own until it is released or lost.
 *
 * A claim is advice, not exclusion: a holder that was frozen, or cut off, may go on for a moment while another one has begun.
 * What must not happen then is refused by what carries the fencing token, as every transaction with the `guard` does.
 */
export class Claim implements AsyncDisposable {
  readonly key: Uint8Array;
  /** The create revision of the key: higher for every later holder of the name. */
  readonly fencingToken: number;
  /** A revision at which the claim was the first in line; what came before it was done by earlier holders. */
  readonly revision: number;
  protected readonly lease: Lease;
  protected readonly client: RecipeDependencies["client"];
  readonly #lost = new AbortController();
  /** Aborted when it is over, in whatever way. */
  readonly #over = new AbortController();
  #released: Promise<void> | undefined;

  constructor(fields: ClaimFields, dependencies: RecipeDependencies) {
    this.key = fields.key;
    this.fencingToken = fields.createRevision;
    this.revision = fields.revision;
    this.lease = fields.lease;
    this.client = dependencies.client;
    const leaseLost = (): void => void this.lose("its lease is lost", this.lease.lost.reason);
    this.lease.lost.addEventListener("abort", leaseLost, { once: true, signal: this.#over.signal });
    untilDeleted(fields, this.#over.signal, dependencies).then(
      () => this.lose("its key was deleted"),
      (cause: unknown) => this.lose("its key cannot be watched any more", cause),
    );
    if (this.lease.lost.aborted) leaseLost();
  }

  /** The key read as UTF-8. */
  get keyText(): string {
    return textOf(this.key);
  }

  get leaseId(): bigint {
    return this.lease.id;
  }

  /** Aborted, with a {@link ClaimLostError}, once the claim cannot be relied upon any more. Not by releasing it. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Whether it can be relied upon now. Asks the clock too: a process that was frozen sees that before `lost` is aborted. */
  get isHeld(): boolean {
    return !this.#over.signal.aborted && this.lease.remainingMs > 0;
  }

  /** A condition that holds as long as the claim does: `client.txn().if(lock.guard).then(...)`. */
  get guard(): Condition {
    return compare.createRevision(this.key, "=", this.fencingToken);
  }

  /**
   * Lets the next one go ahead. Idempotent; resolves too if the claim was lost.
   *
   * @throws {QuorateError} The cluster could not be told in time; the claim then ends with its TTL, at the latest.
   */
  protected release(): Promise<void> {
    this.#over.abort();
    this.#released ??= this.lease.revoke().catch((error: unknown) => {
      if (!(this.#lost.signal.aborted && error instanceof QuorateError)) throw error;
    });
    return this.#released;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  /** Returns the reason. */
  protected lose(why: string, cause?: unknown): ClaimLostError {
    const error = new ClaimLostError(this.key, why, cause === undefined ? {} : { cause });
    if (!this.#over.signal.aborted) {
      this.#over.abort();
      this.#lost.abort(error);
    }
    return error;
  }
}
