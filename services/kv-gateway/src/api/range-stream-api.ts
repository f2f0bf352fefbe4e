import { successorOf } from "@quorate/base";
import { validateRange, type RangeRequest } from "@quorate/mvcc";
import {
  DecodeError,
  decodeRangeRequest,
  encodeRangeChunk,
  etcdserverpb,
  rangePageOf,
  type RangePage,
} from "@quorate/wire";
import type { CallOutcome } from "../actors/pending-call";
import type { Abandonable, CallContext } from "./api-method";
import type { KvApi } from "./kv-api";
import { definite, type RequestFailure } from "./request-failure";

/** Where a stream goes. Nothing is called any more after `end` or `fail`. */
export interface ChunkSink {
  /** @returns false if the next chunk should wait until `RangeStream.resume`. */
  write(chunk: Uint8Array): boolean;
  end(): void;
  fail(failure: RequestFailure): void;
}

/** Keys in the first chunk: little, so that it comes soon and tells how large keys are. */
const FIRST_PAGE_KEYS = 10;
/** Chunks grow while they are smaller than half of this and shrink when they are larger than twice it (etcd's rule). */
const CHUNK_BYTES = 1.5 * 1024 * 1024;

/** A range in chunks: pages at one pinned revision, so that neither node nor broker nor gateway ever holds more than one. */
export class RangeStream implements Abandonable {
  readonly #request: RangeRequest;
  #from: Uint8Array;
  #pageKeys = FIRST_PAGE_KEYS;
  #sent = 0;
  #pinned: number;
  /** Of the first page: how many keys the whole range has, and the header that the last chunk carries. */
  #first: { readonly count: number; readonly header: Uint8Array } | undefined;
  #call: Abandonable | undefined;
  #waiting = false;
  #over = false;

  constructor(
    request: RangeRequest,
    private readonly context: CallContext,
    private readonly dependencies: { readonly kv: KvApi; readonly sink: ChunkSink },
  ) {
    this.#request = request;
    this.#from = request.key;
    this.#pinned = request.revision;
  }

  /** The sink has room again. */
  resume(): void {
    if (!this.#waiting || this.#over) return;
    this.#waiting = false;
    this.next();
  }

  abandon(): void {
    this.#over = true;
    this.#call?.abandon();
  }

  /** Asks for the next page. */
  next(): void {
    this.#ask(this.#request.serializable);
  }

  #ask(serializable: boolean): void {
    const { rangeEnd, keysOnly, countOnly, limit } = this.#request;
    const left = limit > 0 ? limit - this.#sent : Number.POSITIVE_INFINITY;
    const bytes = etcdserverpb.RangeRequest.encode({
      key: this.#from,
      ...(rangeEnd === undefined ? {} : { rangeEnd }),
      limit: Math.min(this.#pageKeys, left),
      revision: this.#pinned,
      keysOnly,
      countOnly,
      serializable,
    }).finish();
    const counted = this.#first === undefined;
    this.#call = this.dependencies.kv.page(bytes, { counted, serializable }, this.context, (outcome) =>
      this.#answered(outcome, serializable),
    );
  }

  #answered(outcome: CallOutcome, serializable: boolean): void {
    if (this.#over) return;
    if (outcome.kind === "failed") {
      // Pages may be answered by different members, and this one is behind the one that pinned the revision.
      const lags = outcome.failure.code === "future-revision" && this.#first !== undefined;
      return lags && serializable ? this.#ask(false) : this.#fail(outcome.failure);
    }
    let page: RangePage;
    try {
      page = rangePageOf(outcome.bytes);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      return this.#fail(definite("internal", error.message));
    }
    this.#take(page);
  }

  #take(page: RangePage): void {
    const { sink } = this.dependencies;
    this.#first ??= { count: page.count, header: Uint8Array.from(page.header) };
    if (this.#pinned <= 0) this.#pinned = page.revision;
    this.#sent += page.keys;
    const { limit } = this.#request;
    if (!page.more || page.lastKey === undefined || (limit > 0 && this.#sent >= limit)) {
      this.#over = true;
      sink.write(encodeRangeChunk(page.kvs, { ...this.#first, more: page.more }));
      return sink.end();
    }
    this.#from = successorOf(page.lastKey);
    if (page.kvs.length < CHUNK_BYTES / 2) this.#pageKeys *= 2;
    else if (page.kvs.length > CHUNK_BYTES * 2) this.#pageKeys = Math.max(1, Math.floor(this.#pageKeys / 2));
    if (sink.write(encodeRangeChunk(page.kvs))) this.next();
    else this.#waiting = true;
  }

  #fail(failure: RequestFailure): void {
    this.#over = true;
    this.dependencies.sink.fail(failure);
  }
}

/**
 * Begins the stream of a `RangeRequest` (etcd 3.7's RangeStream): the same answer as Range gives, in parts that merge to it.
 *
 * @returns `undefined` if it failed at once.
 */
export function startRangeStream(
  bytes: Uint8Array,
  context: CallContext,
  dependencies: { readonly kv: KvApi; readonly sink: ChunkSink },
): RangeStream | undefined {
  const { sink } = dependencies;
  let request: RangeRequest;
  try {
    request = decodeRangeRequest(bytes);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    sink.fail(definite("malformed", error.message));
    return undefined;
  }
  const failure = refusalOf(request);
  if (failure !== undefined) {
    sink.fail(failure);
    return undefined;
  }
  const stream = new RangeStream(request, context, dependencies);
  stream.next();
  return stream;
}

function refusalOf(request: RangeRequest): RequestFailure | undefined {
  const error = validateRange(request);
  if (error !== undefined) return definite(error.code);
  if (request.sortTarget !== "key" || request.sortOrder === "descend") {
    return definite("unimplemented", "RangeStream does not support custom sort orders");
  }
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request;
  if ([minModRevision, maxModRevision, minCreateRevision, maxCreateRevision].some((bound) => bound !== 0)) {
    return definite("unimplemented", "RangeStream does not support revision filters");
  }
  return undefined;
}
