import { randomChance, randomInteger, randomPick, type Prng } from "@quorate/base";
import { etcdserverpb } from "@quorate/wire";
import Long from "long";

/** One call of the KV or the Lease service. Both servers are asked it; the generator makes those about keys. */
export type KvRequest =
  | { readonly method: "range"; readonly request: etcdserverpb.RangeRequest.$Properties }
  | { readonly method: "put"; readonly request: etcdserverpb.PutRequest.$Properties }
  | { readonly method: "deleteRange"; readonly request: etcdserverpb.DeleteRangeRequest.$Properties }
  | { readonly method: "txn"; readonly request: etcdserverpb.TxnRequest.$Properties }
  | { readonly method: "compact"; readonly request: etcdserverpb.CompactionRequest.$Properties }
  | { readonly method: "leaseGrant"; readonly request: etcdserverpb.LeaseGrantRequest.$Properties }
  | { readonly method: "alarm"; readonly request: etcdserverpb.AlarmRequest.$Properties }
  | { readonly method: "leaseRevoke"; readonly request: etcdserverpb.LeaseRevokeRequest.$Properties }
  | { readonly method: "leaseTimeToLive"; readonly request: etcdserverpb.LeaseTimeToLiveRequest.$Properties }
  | { readonly method: "leases"; readonly request: etcdserverpb.LeaseLeasesRequest.$Properties };

/**
 * Few keys, so that requests meet: neighbours of one another, prefixes, and the bytes at which range ends go wrong.
 * Fewer than 13, because etcd sorts up to 12 keys stably and ties are then in one order only.
 */
const keys = [
  "a",
  "a\x00",
  "ab",
  "abc",
  "b",
  "b\xff",
  "\x00",
  "\x00\x00",
  "\xff",
  "\xff\xff",
  "z/1",
  "z/2",
].map(latin1);
const values = ["", "1", "2", "10", "\x00", "\xff\xfe", "a longer value"].map(latin1);
const leaseIds: readonly (number | Long)[] = [-1, 7, Long.MAX_VALUE];
const zeroByte = latin1("\x00");

/** Values that a bound or a compare may be given, beside revisions that exist. */
const oddIntegers: readonly (number | Long)[] = [-1, 0, 1, 2, Long.MAX_VALUE, Long.MIN_VALUE, 2 ** 53];

const { CompareResult, CompareTarget } = etcdserverpb.Compare;
const { SortOrder, SortTarget } = etcdserverpb.RangeRequest;

/** The values of an enum of the API, each once. */
export function everyOf<T extends number>(named: Readonly<Record<string, string | T>>): readonly T[] {
  return Object.values(named).filter((value) => typeof value === "number");
}

export function latin1(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}

/**
 * Makes an endless sequence of requests that a seed repeats. It is told what revisions the store has reached, so that
 * past revisions, the compacted one and its neighbours, and future ones all come up.
 *
 * Only what gRPC clients of etcd can send is made: a `range_end` is either absent or has at least one byte.
 */
export class RequestGenerator {
  readonly #prng: Prng;
  #revision = 1;
  #compacted = 0;

  constructor(prng: Prng) {
    this.#prng = prng;
  }

  /** Tells the generator the store's revision, from the header of an answer. */
  reached(revision: number): void {
    this.#revision = Math.max(this.#revision, revision);
  }

  /** Tells the generator that history before `revision` is gone. */
  compacted(revision: number): void {
    this.#compacted = Math.max(this.#compacted, revision);
  }

  next(): KvRequest {
    if (this.#chance(0.06)) return this.#lease();
    const dice = randomInteger(this.#prng, 0, 99);
    if (dice < 33) return { method: "put", request: this.#put() };
    if (dice < 62) return { method: "range", request: this.#range() };
    if (dice < 71) return { method: "deleteRange", request: this.#deleteRange() };
    if (dice < 96) return { method: "txn", request: this.#txnThatEtcdSurvives() };
    return { method: "compact", request: this.#compact() };
  }

  /** The ids that puts name; long enough not to end by themselves. */
  #lease(): KvRequest {
    const ID = this.#pick(leaseIds);
    if (this.#chance(0.6)) return { method: "leaseGrant", request: { ID, TTL: 100_000 } };
    return { method: "leaseRevoke", request: { ID } };
  }

  #put(): etcdserverpb.PutRequest.$Properties {
    const ignoreValue = this.#chance(0.1);
    return {
      key: this.#key(),
      // Giving a value that is to be ignored is an error, and must be one once in a while.
      ...(ignoreValue && !this.#chance(0.2) ? {} : { value: this.#value() }),
      ...(this.#chance(0.1) ? { lease: this.#pick(leaseIds) } : {}),
      ...(this.#chance(0.4) ? { prevKv: true } : {}),
      ...(ignoreValue ? { ignoreValue } : {}),
      ...(this.#chance(0.1) ? { ignoreLease: true } : {}),
    };
  }

  #range(): etcdserverpb.RangeRequest.$Properties {
    return {
      ...this.#interval(),
      ...(this.#chance(0.4) ? { limit: randomInteger(this.#prng, -1, 5) } : {}),
      ...(this.#chance(0.4) ? { revision: this.#someRevision() } : {}),
      ...(this.#chance(0.6)
        ? { sortOrder: this.#pick(everyOf(SortOrder)), sortTarget: this.#pick(everyOf(SortTarget)) }
        : {}),
      ...(this.#chance(0.2) ? { serializable: true } : {}),
      ...(this.#chance(0.2) ? { keysOnly: true } : {}),
      ...(this.#chance(0.15) ? { countOnly: true } : {}),
      ...(this.#chance(0.15) ? { minModRevision: this.#someRevision() } : {}),
      ...(this.#chance(0.15) ? { maxModRevision: this.#someRevision() } : {}),
      ...(this.#chance(0.15) ? { minCreateRevision: this.#someRevision() } : {}),
      ...(this.#chance(0.15) ? { maxCreateRevision: this.#someRevision() } : {}),
    };
  }

  #deleteRange(): etcdserverpb.DeleteRangeRequest.$Properties {
    return { ...this.#interval(), ...(this.#chance(0.5) ? { prevKv: true } : {}) };
  }

  #compact(): etcdserverpb.CompactionRequest.$Properties {
    const near = this.#pick([
      this.#compacted - 1,
      this.#compacted,
      this.#compacted + 1,
      randomInteger(this.#prng, this.#compacted, Math.max(this.#compacted, this.#revision - 30)),
      this.#revision + 1,
      -1,
      0,
    ]);
    return { revision: near, ...(this.#chance(0.3) ? { physical: true } : {}) };
  }

  /**
   * etcd panics on a txn that deletes a key through an open-ended range and then puts it with `ignore_value` or
   * `ignore_lease`: what it checks before the txn no longer holds. `e2e/kv.spec.ts` asks that of Quorate alone.
   */
  #txnThatEtcdSurvives(): etcdserverpb.TxnRequest.$Properties {
    for (;;) {
      const txn = this.#txn(0);
      const operations = allOperations(txn);
      const deletesOpenEnded = operations.some(
        ({ requestDeleteRange }) =>
          requestDeleteRange?.rangeEnd?.length === 1 && requestDeleteRange.rangeEnd[0] === 0,
      );
      const relies = operations.some(
        ({ requestPut }) => requestPut?.ignoreValue === true || requestPut?.ignoreLease === true,
      );
      if (!deletesOpenEnded || !relies) return txn;
    }
  }

  #txn(depth: number): etcdserverpb.TxnRequest.$Properties {
    return {
      compare: this.#several(0, 2, () => this.#compare()),
      success: this.#several(0, 4, () => this.#op(depth)),
      failure: this.#several(0, 4, () => this.#op(depth)),
    };
  }

  #op(depth: number): etcdserverpb.RequestOp.$Properties {
    const dice = randomInteger(this.#prng, 0, 99);
    if (dice < 2) return {}; // an operation without a request is an error of its own
    if (dice < 45) return { requestPut: this.#put() };
    if (dice < 70) return { requestRange: this.#range() };
    if (dice < 82 || depth === 2) return { requestDeleteRange: this.#deleteRange() };
    return { requestTxn: this.#txn(depth + 1) };
  }

  #compare(): etcdserverpb.Compare.$Properties {
    const integer = (): number | Long => (this.#chance(0.3) ? this.#pick(oddIntegers) : this.#someRevision());
    const target = this.#pick(everyOf(CompareTarget));
    // The operand is mostly of the kind that the target asks for, but clients may get it wrong, or leave it out.
    const kind = this.#chance(0.93) ? target : this.#pick([...everyOf(CompareTarget), undefined]);
    return {
      result: this.#pick(everyOf(CompareResult)),
      target,
      ...this.#operand(kind, integer),
      ...(this.#chance(0.25) ? this.#interval() : { key: this.#key() }),
    };
  }

  #operand(
    kind: etcdserverpb.Compare.CompareTarget | undefined,
    revision: () => number | Long,
  ): etcdserverpb.Compare.$Properties {
    switch (kind) {
      case CompareTarget.VERSION:
        return { version: randomInteger(this.#prng, 0, 3) };
      case CompareTarget.CREATE:
        return { createRevision: revision() };
      case CompareTarget.MOD:
        return { modRevision: revision() };
      case CompareTarget.VALUE:
        return { value: this.#value() };
      case CompareTarget.LEASE:
        return { lease: randomInteger(this.#prng, 0, 1) };
      case undefined:
        return {};
    }
  }

  #interval(): { key: Uint8Array; rangeEnd?: Uint8Array } {
    const key = this.#key();
    const dice = randomInteger(this.#prng, 0, 99);
    if (dice < 30) return { key };
    if (dice < 50) return { key, rangeEnd: zeroByte };
    if (dice < 65) return { key: zeroByte, rangeEnd: zeroByte };
    if (dice < 80) return { key, rangeEnd: prefixEnd(key) };
    return { key, rangeEnd: this.#pick(keys) }; // often before `key`: an empty range
  }

  #key(): Uint8Array {
    return this.#chance(0.01) ? new Uint8Array() : this.#pick(keys);
  }

  #value(): Uint8Array {
    return this.#pick(values);
  }

  #someRevision(): number {
    const recent = Math.max(0, this.#revision - 20);
    const dice = randomInteger(this.#prng, 0, 9);
    if (dice < 6) return randomInteger(this.#prng, recent, this.#revision);
    if (dice < 7) return randomInteger(this.#prng, 0, this.#revision);
    return this.#pick([
      this.#compacted,
      this.#compacted - 1,
      this.#compacted + 1,
      this.#revision + 1,
      this.#revision + 100,
      -1,
    ]);
  }

  #several<T>(low: number, high: number, make: () => T): T[] {
    return Array.from({ length: randomInteger(this.#prng, low, high) }, make);
  }

  #pick<T>(items: readonly T[]): T {
    return randomPick(this.#prng, items);
  }

  #chance(chance: number): boolean {
    return randomChance(this.#prng, chance);
  }
}

/** The operations of both branches, and of all that is nested in them. */
function allOperations(txn: etcdserverpb.TxnRequest.$Properties): etcdserverpb.RequestOp.$Properties[] {
  return [...(txn.success ?? []), ...(txn.failure ?? [])].flatMap((operation) =>
    operation.requestTxn ? allOperations(operation.requestTxn) : [operation],
  );
}

/** The first key after all that start with `prefix`, as clients of etcd compute it. */
export function prefixEnd(prefix: Uint8Array): Uint8Array {
  for (let at = prefix.length - 1; at >= 0; at -= 1) {
    const byte = prefix[at] as number;
    if (byte < 0xff) return Uint8Array.from([...prefix.subarray(0, at), byte + 1]);
  }
  return zeroByte;
}
