import { concatBytes, hexId, utf8 } from "@quorate/base";
import { bytesOf, prefix, type Bytes, type KeyRange } from "../key-range";
import type { KeyValue } from "../key-value";
import type { Lease } from "../lease";
import { cancelled, repeat } from "../repeat";
import type { OperationResult } from "../results";
import { compare, operation } from "../transaction";
import { ClaimLostError, type ClaimFields } from "./claim";
import type { RecipeDependencies, RecipeOptions, WaitOptions } from "./recipe-dependencies";
import { untilDeleted } from "./until-deleted";

const TTL_SECONDS = 10;
/** Milliseconds that somebody who gave up waits for its key to be gone; the lease, renewed no more, ends by itself. */
const LEAVE_MS = 1000;
/** Milliseconds in which a lease must be granted: whoever cannot reach a cluster at all shall not wait for ever. */
const GRANT_MS = 5000;

interface Place {
  readonly key: Uint8Array;
  readonly createRevision: number;
  /** Where the store stood when it was known not to be the first yet, or to be. */
  readonly revision: number;
  readonly isFirst: boolean;
}

/**
 * The line of those who want a name: one key each, `<name>/<lease id in hex>`, ordered by create revision. The first one has
 * it. Everybody else waits for the key right before its own to go, so that one departure wakes one waiter.
 *
 * The layout is etcd's (etcd: client/v3/concurrency), and so an agreement with every program that uses its recipes.
 *
 * Each claim has a lease of its own. That makes it safe to ask again where an answer was lost: the second time finds the key
 * of the first, and a first time that arrives after all is over finds the lease revoked and changes nothing.
 */
export class ClaimLine {
  readonly range: KeyRange;
  readonly #ttlSeconds: number;
  readonly #dependencies: RecipeDependencies;

  constructor(name: Bytes, options: RecipeOptions, dependencies: RecipeDependencies) {
    this.range = prefix(concatBytes([bytesOf(name), utf8("/")]));
    this.#ttlSeconds = options.ttlSeconds ?? TTL_SECONDS;
    this.#dependencies = dependencies;
  }

  /**
   * Goes to the end of the line and waits until it is the beginning.
   *
   * @param value What the key holds.
   * @throws {ClaimLostError} The lease was lost on the way, or somebody deleted the key.
   * @throws {QuorateError} CANCELLED: the signal was aborted.
   */
  async claim(value: Bytes, options: WaitOptions): Promise<ClaimFields> {
    const claim = await this.#join(value, true, options.signal);
    return claim!;
  }

  /** The same, but rather leaves than waits. */
  tryClaim(value: Bytes, options: WaitOptions): Promise<ClaimFields | undefined> {
    return this.#join(value, false, options.signal);
  }

  /** Who is first, if anybody, and the revision at which that was so. */
  async first(
    signal: AbortSignal | undefined,
  ): Promise<{ readonly revision: number; readonly first?: KeyValue }> {
    const { revision, keyValues } = await this.#dependencies.client.range(this.range, {
      ...FIRST_CREATED,
      ...(signal === undefined ? {} : { signal }),
    });
    return { revision, ...(keyValues[0] === undefined ? {} : { first: keyValues[0] }) };
  }

  async #join(
    value: Bytes,
    mayWait: boolean,
    signal: AbortSignal | undefined,
  ): Promise<ClaimFields | undefined> {
    const lease = await this.#grant(signal);
    const key = concatBytes([this.range.start, utf8(hexId(lease.id))]);
    const giveUp = AbortSignal.any(signal === undefined ? [lease.lost] : [lease.lost, signal]);
    try {
      const place = await this.#enter(key, lease, value, giveUp);
      if (!place.isFirst && !mayWait) {
        await this.#leave(lease);
        return undefined;
      }
      const revision = place.isFirst ? place.revision : await this.#wait(place, giveUp);
      // The answer may be old, and this process may have been frozen since: only a lease that still counts makes it true.
      if (lease.remainingMs === 0) throw new ClaimLostError(key, "its lease ended before it was had");
      return { key, createRevision: place.createRevision, revision, lease };
    } catch (error) {
      await this.#leave(lease);
      if (lease.lost.aborted) {
        throw new ClaimLostError(key, "its lease ended before it was had", { cause: lease.lost.reason });
      }
      throw signal?.aborted === true ? cancelled(signal) : error;
    }
  }

  /** A lease whose grant was not answered is nobody's, holds no key, and ends by itself. */
  #grant(signal: AbortSignal | undefined): Promise<Lease> {
    const { client, clock } = this.#dependencies;
    const options = signal === undefined ? {} : { signal };
    return repeat(() => client.lease(this.#ttlSeconds, options), { clock, signal, forMs: GRANT_MS });
  }

  async #enter(key: Uint8Array, lease: Lease, value: Bytes, signal: AbortSignal): Promise<Place> {
    const first = operation.range(this.range, FIRST_CREATED);
    const entering = this.#dependencies.client
      .txn()
      .if(compare.missing(key))
      .then(operation.put(key, value, { lease: lease.id }), first)
      .else(operation.get(key), first);
    const { revision, succeeded, results } = await this.#repeat(() => entering.commit({ signal }), signal);
    const createRevision = succeeded ? revision : onlyKeyOf(results[0])!.createRevision;
    return {
      key,
      createRevision,
      revision,
      isFirst: onlyKeyOf(results[1])?.createRevision === createRevision,
    };
  }

  /** Returns a revision at which the place was the first. */
  async #wait({ key, createRevision }: Place, signal: AbortSignal): Promise<number> {
    const { client } = this.#dependencies;
    const looking = client.txn().then(
      operation.get(key, { keysOnly: true }),
      operation.range(this.range, {
        sortBy: "create",
        order: "descending",
        maxCreateRevision: createRevision - 1,
        limit: 1,
        keysOnly: true,
      }),
    );
    for (;;) {
      const { results, revision } = await this.#repeat(() => looking.commit({ signal }), signal);
      const own = onlyKeyOf(results[0]);
      if (own?.createRevision !== createRevision) {
        throw new ClaimLostError(key, "its key was deleted before it was had");
      }
      const before = onlyKeyOf(results[1]);
      if (before === undefined) return revision;
      const seen = { key: before.key, createRevision: before.createRevision, revision };
      await untilDeleted(seen, signal, this.#dependencies);
    }
  }

  /** Whatever becomes of it: a lease that is renewed no more ends, and its key with it. */
  async #leave(lease: Lease): Promise<void> {
    const { clock } = this.#dependencies;
    await new Promise<void>((resolve) => {
      const timer = clock.setTimer(LEAVE_MS, resolve);
      const done = (): void => {
        timer.cancel();
        resolve();
      };
      lease.revoke().then(done, done);
    });
  }

  #repeat<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
    return repeat(call, { clock: this.#dependencies.clock, signal });
  }
}

const FIRST_CREATED = { sortBy: "create", order: "ascending", limit: 1 } as const;

function onlyKeyOf(result: OperationResult | undefined): KeyValue | undefined {
  return result?.kind === "range" ? result.keyValues[0] : undefined;
}
