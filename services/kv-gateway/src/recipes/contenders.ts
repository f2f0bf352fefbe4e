import { concatBytes, equalBytes, utf8 } from "@quorate/base";
import type { LeaseId } from "@quorate/lease";
import type { Revision } from "@quorate/mvcc";
import { etcdserverpb, saturatingNumber, wireId, type mvccpb } from "@quorate/wire";
import type { FailureCode } from "../api/request-failure";
import { createdAt, leavePlace, updatePlace, type Place } from "./place";
import type { Deletions } from "./deletions";
import { RecipeError } from "./recipe-error";
import type { Caller, RecipeStore } from "./recipe-store";

const { SortOrder, SortTarget } = etcdserverpb.RangeRequest;

/** How it went to take a place. */
export interface Entered {
  readonly place: Place;
  readonly header: etcdserverpb.ResponseHeader.$Properties;
  /** The key as it was if this lease had the place already. */
  readonly before: mvccpb.KeyValue | undefined;
  /** Nobody is before this place: nothing to wait for. */
  readonly isFirst: boolean;
}

/** What somebody who contends wants. */
export interface Bid {
  readonly lease: LeaseId;
  readonly value: Uint8Array;
  /** Put the value even if the lease has a place already. */
  readonly overwrites: boolean;
  /** What to fail with if the place is lost. */
  readonly lost: FailureCode;
}

/** The place that has become the first one. */
export interface Won {
  readonly place: Place;
  /** Of the answer that the place was taken with. */
  readonly entered: etcdserverpb.ResponseHeader.$Properties;
  /** Of the answer that showed it to be the first. */
  readonly header: etcdserverpb.ResponseHeader.$Properties;
}

export interface ContendersDependencies {
  readonly store: RecipeStore;
  readonly deletions: Deletions;
  /** Gets done what nobody waits for. */
  readonly afterwards: (attempt: () => Promise<unknown>) => void;
}

/**
 * Those who want one thing, in the order in which their keys were created; who is first has it. The rules and the keys are
 * those of etcd (client/v3/concurrency), so that its clients can stand in the same line.
 */
export class Contenders {
  readonly #prefix: Uint8Array;
  readonly #everyone: { readonly key: Uint8Array; readonly rangeEnd: Uint8Array };

  constructor(
    name: Uint8Array,
    private readonly dependencies: ContendersDependencies,
  ) {
    this.#prefix = concatBytes([name, utf8("/")]);
    this.#everyone = { key: this.#prefix, rangeEnd: concatBytes([name, utf8("0")]) }; // "0" comes after "/"
  }

  /** Asks for the key that was created first. */
  get first(): etcdserverpb.RangeRequest.$Properties {
    return {
      ...this.#everyone,
      sortTarget: SortTarget.CREATE,
      sortOrder: SortOrder.ASCEND,
      limit: 1,
    };
  }

  get everyone(): { readonly key: Uint8Array; readonly rangeEnd: Uint8Array } {
    return this.#everyone;
  }

  /**
   * Takes a place and waits until it is the first. If that fails, or the caller goes, the place is given up, as in etcd even if
   * an earlier call took it. But one that was the first already when it was asked for again stays when the caller goes.
   */
  async win({ lease, value, overwrites, lost }: Bid, caller: Caller): Promise<Won> {
    const { store, afterwards } = this.dependencies;
    const { place, header: entered, before, isFirst } = await this.#enter(lease, value, caller);
    try {
      if (overwrites && before !== undefined && !equalBytes(before.value, value)) {
        if ((await updatePlace(store, place, value, caller)) === undefined) throw RecipeError.of(lost);
      }
      const isSettled = isFirst && (before !== undefined || !caller.signal.aborted);
      return { place, entered, header: isSettled ? entered : await this.#untilFirst(place, lost, caller) };
    } catch (error) {
      afterwards(() => leavePlace(store, place, caller));
      throw error;
    }
  }

  /** Takes a place at the end of the line, unless the lease has one. */
  async #enter(lease: LeaseId, value: Uint8Array, caller: Caller): Promise<Entered> {
    const key = concatBytes([this.#prefix, utf8(lease.toString(16))]);
    const put = { requestPut: { key, value, lease: wireId(lease) } };
    const first = { requestRange: this.first };
    const { header, succeeded, responses } = await this.dependencies.store.write(
      {
        compare: [createdAt(key, 0)],
        success: [put, first],
        failure: [{ requestRange: { key } }, first],
      },
      caller,
    );
    const before = succeeded ? undefined : responses[0]?.responseRange?.kvs?.[0];
    const created = saturatingNumber(before?.createRevision ?? header?.revision ?? 0);
    const owner = responses[1]?.responseRange?.kvs?.[0];
    return {
      place: { key, createRevision: created as Revision, lease },
      header: header ?? {},
      before: before as mvccpb.KeyValue | undefined,
      isFirst: saturatingNumber(owner?.createRevision ?? 0) === created,
    };
  }

  /**
   * Waits until nobody is before `place`. That and that the place still is there is found in one read, so it was true at one
   * revision: a lease that ended while its owner waited gains nothing (etcd #11456, where it did).
   *
   * @param lost What to fail with if the place is gone.
   * @returns the header of that read.
   */
  async #untilFirst(
    place: Place,
    lost: FailureCode,
    caller: Caller,
  ): Promise<etcdserverpb.ResponseHeader.$Properties> {
    const { store, deletions } = this.dependencies;
    const newestBefore = {
      ...this.#everyone,
      sortTarget: SortTarget.CREATE,
      sortOrder: SortOrder.DESCEND,
      limit: 1,
      maxCreateRevision: place.createRevision - 1,
      keysOnly: true,
    };
    for (;;) {
      const { header, succeeded, responses } = await store.read(
        { compare: [createdAt(place.key, place.createRevision)], success: [{ requestRange: newestBefore }] },
        caller,
      );
      if (!succeeded) throw RecipeError.of(lost);
      const predecessor = responses[0]?.responseRange?.kvs?.[0];
      if (predecessor?.key == null) return header ?? {};
      const next = (saturatingNumber(header?.revision ?? 0) + 1) as Revision;
      await deletions.untilAny([predecessor.key, place.key], next, caller.signal);
    }
  }
}
