import { QuorateError } from "../errors";
import { exactly, type Bytes } from "../key-range";
import type { KeyValue } from "../key-value";
import type { CallOptions } from "../pending-call";
import { repeat } from "../repeat";
import { operation } from "../transaction";
import { WatchCompactedError } from "../watch/watch";
import { Claim } from "./claim";
import { ClaimLine } from "./claim-line";
import type { RecipeDependencies, RecipeOptions, WaitOptions } from "./recipe-dependencies";

/** One leader at a time among those who campaign under a name. Made by `QuorateClient.election`. */
export class Election {
  readonly #line: ClaimLine;
  readonly #dependencies: RecipeDependencies;

  constructor(name: Bytes, options: RecipeOptions, dependencies: RecipeDependencies) {
    this.#line = new ClaimLine(name, options, dependencies);
    this.#dependencies = dependencies;
  }

  /**
   * Waits until it leads, without end but the signal's. Goes on over failures of the cluster that are shorter than the TTL.
   *
   * @param value What observers are told, such as the leader's address.
   * @throws {ClaimLostError} They were longer, or somebody deleted the key.
   * @throws {QuorateError} CANCELLED: the signal was aborted; the key is gone, or will be after the TTL.
   */
  async campaign(value: Bytes, options: WaitOptions = {}): Promise<Leadership> {
    return new Leadership(await this.#line.claim(value, options), this.#dependencies);
  }

  /** The leader's key and what it proclaims; `undefined` if there is none. */
  async leader({ signal }: WaitOptions = {}): Promise<KeyValue | undefined> {
    return (await this.#line.first(signal)).first;
  }

  /**
   * The leader now, then every new leader and every proclamation: `for await (const leader of election.observe())`. A leader
   * that was one for a moment may be left out. Ends with the loop, the signal or the client.
   */
  async *observe({ signal }: WaitOptions = {}): AsyncGenerator<KeyValue, undefined> {
    const { clock } = this.#dependencies;
    let toldRevision = 0;
    while (signal?.aborted !== true) {
      try {
        const { first, revision } = await repeat(() => this.#line.first(signal), { clock, signal });
        if (first !== undefined && first.modRevision !== toldRevision) {
          toldRevision = first.modRevision;
          yield first;
        }
        for await (const proclaimed of this.#follow(first, revision, signal)) {
          toldRevision = proclaimed.modRevision;
          yield proclaimed;
        }
      } catch (error) {
        if (error instanceof QuorateError && error.code === "CANCELLED") return;
        // What was missed can be seen by looking again.
        if (!(error instanceof WatchCompactedError)) throw error;
      }
    }
  }

  /** What a leader proclaims until it leads no more; without one, nothing until somebody stands for it. */
  async *#follow(
    leader: KeyValue | undefined,
    revision: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<KeyValue, undefined> {
    const { client } = this.#dependencies;
    const range = leader === undefined ? this.#line.range : exactly(leader.key);
    const options = { fromRevision: revision + 1, ...(signal === undefined ? {} : { signal }) };
    for await (const { type, keyValue } of client.watch(range, options)) {
      if (type === "delete" || leader === undefined) return;
      yield keyValue;
    }
    // Only the signal and the client end a watch, without an error: so this is the end of everything.
    throw new QuorateError("CANCELLED", "the client was closed", "definite");
  }
}

/** The lead until it is resigned, disposed of or lost. */
export class Leadership extends Claim {
  /**
   * Changes what observers are told. Sent once: if the outcome is unknown, it may be proclaimed again.
   *
   * @throws {ClaimLostError} It leads no more.
   */
  async proclaim(value: Bytes, options: CallOptions = {}): Promise<void> {
    const { succeeded } = await this.client
      .txn()
      .if(this.guard)
      .then(operation.put(this.key, value, { lease: this.leaseId }))
      .commit(options);
    if (!succeeded) throw this.lose("its key was deleted");
  }

  /**
   * Lets the next one lead. Idempotent; resolves too if the lead was lost.
   *
   * @throws {QuorateError} The cluster could not be told in time; the lead then ends with its TTL, at the latest.
   */
  resign(): Promise<void> {
    return this.release();
  }
}
