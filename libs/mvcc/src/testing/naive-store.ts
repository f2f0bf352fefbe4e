import { assertNever, binaryString, bytesOfBinaryString, compareBytes, EMPTY_BYTES } from "@quorate/base";
import type { MvccError } from "../errors";
import {
  NO_LEASE,
  type Compare,
  type DeleteRangeRequest,
  type DeleteRangeResponse,
  type Event,
  type KeyRange,
  type KeyValue,
  type LeaseId,
  type PutRequest,
  type PutResponse,
  type RangeRequest,
  type RangeResponse,
  type RequestOp,
  type ResponseOp,
  type Revision,
  type TxnRequest,
  type TxnResponse,
} from "../types";

interface Change {
  readonly key: string;
  readonly main: number;
  readonly sub: number;
  /** `undefined`: deleted. */
  readonly put: { readonly value: Uint8Array; readonly lease: KeyValue["lease"] } | undefined;
}

/** What the model answers; the same shape as an outcome of the state machine. */
export type NaiveOutcome =
  | {
      readonly ok: true;
      readonly response:
        | { readonly kind: "put"; readonly response: PutResponse }
        | { readonly kind: "delete-range"; readonly response: DeleteRangeResponse }
        | { readonly kind: "txn"; readonly response: TxnResponse }
        | { readonly kind: "range"; readonly response: RangeResponse }
        | { readonly kind: "compact"; readonly response: { readonly revision: Revision } };
    }
  | { readonly ok: false; readonly error: MvccError };

export type NaiveCommand =
  | Exclude<RequestOp, { readonly kind: "none" }>
  | {
      readonly kind: "compact";
      readonly request: { readonly revision: Revision; readonly physical: boolean };
    };

class Refused extends Error {
  constructor(readonly error: MvccError) {
    super(error.code);
  }
}

/**
 * The semantics of the key-value API with no cleverness at all: a list of all changes ever made, replayed from the
 * start for every question. The other implementation that tests hold ours, and etcd, against.
 */
export class NaiveStore {
  /** The leases that exist; what they mean is not the store's business. */
  readonly leases = new Set<LeaseId>();
  #refusedRange: Refused | undefined;
  revision = 1;
  compactRevision = -1;
  #changes: Change[] = [];

  execute(command: NaiveCommand): NaiveOutcome {
    const before = this.#changes.slice();
    try {
      return { ok: true, response: this.#execute(command) };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#changes = before;
      return { ok: false, error: error.error };
    } finally {
      this.revision = Math.max(this.revision, this.#changes.at(-1)?.main ?? 0);
    }
  }

  /** All events from a revision on, including compacted ones: a model forgets nothing. */
  eventsFrom(from: number): Event[] {
    return this.#changes
      .filter((change) => change.main >= from)
      .map((change) => {
        const old = this.#stateAt(change.main - 1).get(change.key);
        const isFirst = !this.#changes.some(
          ({ main, sub, key }) => main === change.main && key === change.key && sub < change.sub,
        );
        const kv = this.#stateAt(change.main, change.sub).get(change.key) ?? {
          key: bytesOfBinaryString(change.key),
          createRevision: 0 as Revision,
          modRevision: change.main as Revision,
          version: 0,
          value: EMPTY_BYTES,
          lease: NO_LEASE,
        };
        return {
          kind: change.put === undefined ? "delete" : "put",
          main: change.main as Revision,
          sub: change.sub,
          kv,
          supersededRevision: (old?.modRevision ?? 0) as Revision,
          historyBytes: old === undefined || !isFirst ? 0 : historyBytes(old),
        };
      });
  }

  #execute(command: NaiveCommand): Extract<NaiveOutcome, { ok: true }>["response"] {
    switch (command.kind) {
      case "range": {
        if (command.request.revision > 0) this.#checkRevision(command.request.revision);
        return { kind: "range", response: this.#range(command.request) };
      }
      case "put":
        this.#refuseLease(command.request);
        return { kind: "put", response: this.#put(command.request) };
      case "delete-range":
        return { kind: "delete-range", response: this.#deleteRange(command.request) };
      case "txn": {
        const path: boolean[] = [];
        this.#choose(command.request, path);
        this.#refusedRange = undefined;
        const response = this.#txn(command.request, path);
        if (this.#refusedRange !== undefined) throw this.#refusedRange as Refused;
        return { kind: "txn", response: { ...response, revision: this.#visible() } };
      }
      case "compact": {
        const { revision } = command.request;
        if (revision <= this.compactRevision) this.#refuseCompacted(revision);
        if (revision > this.revision) this.#refuseFuture(revision);
        this.compactRevision = revision;
        return { kind: "compact", response: { revision: this.revision as Revision } };
      }
      default:
        return assertNever(command);
    }
  }

  // The state after a change, by replay of everything before it.
  #stateAt(main: number, sub = Number.POSITIVE_INFINITY): Map<string, KeyValue> {
    const state = new Map<string, KeyValue>();
    for (const change of this.#changes) {
      if (change.main > main || (change.main === main && change.sub > sub)) break;
      if (change.put === undefined) state.delete(change.key);
      else {
        const old = state.get(change.key);
        state.set(change.key, {
          key: bytesOfBinaryString(change.key),
          createRevision: old?.createRevision ?? (change.main as Revision),
          modRevision: change.main as Revision,
          version: (old?.version ?? 0) + 1,
          value: change.put.value,
          lease: change.put.lease,
        });
      }
    }
    return state;
  }

  #keysIn(range: KeyRange, main: number): KeyValue[] {
    return [...this.#stateAt(main).values()]
      .filter(({ key }) => inRange(range, key))
      .sort((a, b) => compareBytes(a.key, b.key));
  }

  #visible(): Revision {
    return Math.max(this.revision, this.#changes.at(-1)?.main ?? 0) as Revision;
  }

  #record(key: Uint8Array, put: Change["put"]): void {
    const main = this.revision + 1;
    const sub = this.#changes.filter((change) => change.main === main).length;
    this.#changes.push({ key: binaryString(key), main, sub, put });
  }

  #put(request: PutRequest): PutResponse {
    const old = this.#stateAt(this.revision + 1).get(binaryString(request.key));
    if ((request.ignoreLease || request.ignoreValue) && old === undefined)
      throw new Refused({ code: "key-not-found" });
    this.#refuseLease(request); // behind the key in a transaction; a put alone was asked before
    this.#record(request.key, {
      value: request.ignoreValue ? old!.value : request.value,
      lease: request.ignoreLease ? old!.lease : request.lease,
    });
    return { revision: this.#visible(), prevKv: request.prevKv ? old : undefined };
  }

  #refuseLease(request: PutRequest): void {
    if (request.lease !== NO_LEASE && !this.leases.has(request.lease)) {
      throw new Refused({ code: "lease-not-found" });
    }
  }

  #deleteRange(request: DeleteRangeRequest): DeleteRangeResponse {
    const prevKvs = this.#keysIn(request, this.revision + 1);
    for (const { key } of prevKvs) this.#record(key, undefined);
    return { revision: this.#visible(), deleted: prevKvs.length, prevKvs: request.prevKv ? prevKvs : [] };
  }

  #range(request: RangeRequest): RangeResponse {
    const revision = this.#visible();
    const all = this.#keysIn(request, request.revision > 0 ? request.revision : revision);
    if (request.countOnly) return { revision, kvs: [], more: false, count: all.length };

    const bounds = [
      request.minModRevision,
      request.maxModRevision,
      request.minCreateRevision,
      request.maxCreateRevision,
    ];
    let kvs = all;
    if (request.sortOrder === "none" && bounds.every((bound) => bound === 0) && request.limit > 0) {
      kvs = kvs.slice(0, request.limit + 1);
    }
    kvs = kvs
      .filter((kv) => request.maxModRevision === 0 || kv.modRevision <= request.maxModRevision)
      .filter((kv) => request.minModRevision === 0 || kv.modRevision >= request.minModRevision)
      .filter((kv) => request.maxCreateRevision === 0 || kv.createRevision <= request.maxCreateRevision)
      .filter((kv) => request.minCreateRevision === 0 || kv.createRevision >= request.minCreateRevision);
    const sign = request.sortOrder === "descend" ? -1 : 1;
    kvs.sort((a, b) => sign * bySortTarget(request, a, b) || compareBytes(a.key, b.key));
    const more = request.limit > 0 && kvs.length > request.limit;
    if (more) kvs = kvs.slice(0, request.limit);
    if (request.keysOnly) {
      const lease = (kv: KeyValue): KeyValue["lease"] =>
        request.sortTarget === "value" ? kv.lease : NO_LEASE;
      kvs = kvs.map((kv) => ({ ...kv, value: EMPTY_BYTES, lease: lease(kv) }));
    }
    return { revision, kvs, more, count: all.length };
  }

  #choose(txn: TxnRequest, path: boolean[]): void {
    const succeeded = txn.compare.every((compare) => this.#holds(compare));
    path.push(succeeded);
    for (const op of succeeded ? txn.success : txn.failure)
      if (op.kind === "txn") this.#choose(op.request, path);
  }

  #holds(compare: Compare): boolean {
    const kvs = this.#keysIn(compare, this.revision);
    if (kvs.length === 0) return compare.target.kind !== "value" && resultIs(compare, 0n - numberOf(compare));
    return kvs.every((kv) => {
      switch (compare.target.kind) {
        case "value":
          return resultIs(compare, BigInt(compareBytes(kv.value, compare.target.operand)));
        case "version":
          return resultIs(compare, BigInt(kv.version) - numberOf(compare));
        case "create":
          return resultIs(compare, BigInt(kv.createRevision) - numberOf(compare));
        case "mod":
          return resultIs(compare, BigInt(kv.modRevision) - numberOf(compare));
        case "lease":
          return resultIs(compare, kv.lease - numberOf(compare));
        default:
          return assertNever(compare.target);
      }
    });
  }

  #txn(txn: TxnRequest, path: boolean[]): TxnResponse {
    const succeeded = path.shift()!;
    const responses = (succeeded ? txn.success : txn.failure).map((op): ResponseOp => {
      switch (op.kind) {
        case "range": {
          const request = this.#readableOrCurrent(op.request);
          return { kind: "range", response: this.#range(request) };
        }
        case "put":
          return { kind: "put", response: this.#put(op.request) };
        case "delete-range":
          return { kind: "delete-range", response: this.#deleteRange(op.request) };
        case "txn":
          return { kind: "txn", response: this.#txn(op.request, path) };
        case "none":
          throw new Refused({ code: "key-not-found" });
        default:
          return assertNever(op);
      }
    });
    return { revision: 0 as Revision, succeeded, responses };
  }

  // A put that cannot be done counts before a range that cannot: the range's error is kept until all puts went well.
  #readableOrCurrent(request: RangeRequest): RangeRequest {
    try {
      if (request.revision !== 0) this.#checkRevision(request.revision);
      return request;
    } catch (error) {
      this.#refusedRange ??= error as Refused;
      return { ...request, revision: 0 as Revision };
    }
  }

  #checkRevision(revision: Revision): void {
    if (revision > this.revision) this.#refuseFuture(revision);
    if (revision < this.compactRevision) this.#refuseCompacted(revision);
  }

  #refuseFuture(requested: Revision): never {
    throw new Refused({ code: "future-revision", requested, current: this.revision as Revision });
  }

  #refuseCompacted(requested: Revision): never {
    throw new Refused({ code: "compacted", requested, compacted: this.compactRevision as Revision });
  }
}

function inRange({ key, rangeEnd }: KeyRange, candidate: Uint8Array): boolean {
  if (rangeEnd === undefined) return compareBytes(candidate, key) === 0;
  if (compareBytes(candidate, key) < 0) return false;
  if (rangeEnd.length === 0 || compareBytes(rangeEnd, Uint8Array.of(0)) === 0) return true;
  return compareBytes(candidate, rangeEnd) < 0;
}

function bySortTarget(request: RangeRequest, a: KeyValue, b: KeyValue): number {
  switch (request.sortTarget) {
    case "version":
      return a.version - b.version;
    case "create":
      return a.createRevision - b.createRevision;
    case "mod":
      return a.modRevision - b.modRevision;
    case "value":
      return compareBytes(a.value, b.value);
    default:
      return compareBytes(a.key, b.key);
  }
}

function numberOf(compare: Compare): bigint {
  return compare.target.kind === "value" ? 0n : BigInt(compare.target.operand);
}

function resultIs(compare: Compare, order: bigint): boolean {
  switch (compare.result) {
    case "equal":
      return order === 0n;
    case "greater":
      return order > 0n;
    case "less":
      return order < 0n;
    case "not-equal":
      return order !== 0n;
    default:
      return assertNever(compare.result);
  }
}

/** A row of `history`: escaped key, its end and a revision; four numbers and the value. */
function historyBytes({ key, value }: KeyValue): number {
  return key.length + key.filter((byte) => byte === 0).length + 10 + 32 + value.length;
}
