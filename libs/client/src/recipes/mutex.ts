import type { Bytes } from "../key-range";
import { Claim } from "./claim";
import { ClaimLine } from "./claim-line";
import type { RecipeDependencies, RecipeOptions, WaitOptions } from "./recipe-dependencies";

/**
 * A lock that a cluster's clients share by its name, in the order of their asking. Made by `QuorateClient.mutex`.
 *
 * Every call of `lock` is a contender of its own, also in one process: it does not let its own holder in a second time.
 */
export class Mutex {
  readonly #line: ClaimLine;
  readonly #dependencies: RecipeDependencies;

  constructor(name: Bytes, options: RecipeOptions, dependencies: RecipeDependencies) {
    this.#line = new ClaimLine(name, options, dependencies);
    this.#dependencies = dependencies;
  }

  /**
   * Waits for its turn, without end but the signal's. Goes on over failures of the cluster that are shorter than the TTL.
   *
   * @throws {ClaimLostError} They were longer, or somebody deleted the key.
   * @throws {QuorateError} CANCELLED: the signal was aborted; the key is gone, or will be after the TTL.
   */
  async lock(options: WaitOptions = {}): Promise<HeldLock> {
    return new HeldLock(await this.#line.claim("", options), this.#dependencies);
  }

  /** `undefined` if somebody else has it, or is about to. */
  async tryLock(options: WaitOptions = {}): Promise<HeldLock | undefined> {
    const claim = await this.#line.tryClaim("", options);
    return claim === undefined ? undefined : new HeldLock(claim, this.#dependencies);
  }
}

/** A lock until it is unlocked, disposed of or lost. */
export class HeldLock extends Claim {
  /**
   * Idempotent; resolves too if the lock was lost.
   *
   * @throws {QuorateError} The cluster could not be told in time; the lock then ends with its TTL, at the latest.
   */
  unlock(): Promise<void> {
    return this.release();
  }
}
