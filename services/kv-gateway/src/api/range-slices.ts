import type { RangeRequest } from "@quorate/mvcc";
import { DecodeError, etcdserverpb, rangePageOf, type RangeEnd, type RangePage } from "@quorate/wire";
import type { CallOutcome } from "../actors/pending-call";
import type { Abandonable, CallContext } from "./api-method";
import type { KvApi } from "./kv-api";
import { definite, type RequestFailure } from "./request-failure";

export interface RangeSlicesListener {
  /**
   * @param kvs Encoded `kvs` fields of a RangeResponse, perhaps none. Borrowed: valid until this returns.
   * @param end With the last part. Before, the next part comes only when it is asked for.
   */
  part(kvs: Uint8Array, end: RangeEnd | undefined): void;
  fail(failure: RequestFailure): void;
}

/**
 * A range in parts of at most what a node answers at once (2 MiB and a key), all at the revision of the first. The rest of a
 * range is another range, so nothing is kept for it anywhere: parts may be answered by different members, and a revision that
 * is compacted on the way fails the range.
 */
export class RangeSlices implements Abandonable {
  readonly #request: RangeRequest;
  readonly #message: etcdserverpb.RangeRequest.$Properties;
  #from: Uint8Array;
  #pinned: number;
  #sent = 0;
  #count = 0;
  #more = false;
  #header: Uint8Array | undefined;
  /** What is asked for: keys; whether one more is there, behind the limit; or how many more. */
  #wanted: "keys" | "one-more" | "count" = "keys";
  #call: Abandonable | undefined;
  #over = false;

  constructor(
    { request, bytes }: { readonly request: RangeRequest; readonly bytes: Uint8Array },
    private readonly context: CallContext,
    private readonly dependencies: { readonly kv: KvApi; readonly listener: RangeSlicesListener },
  ) {
    this.#request = request;
    this.#message = etcdserverpb.RangeRequest.decode(bytes);
    this.#from = request.key;
    this.#pinned = request.revision;
  }

  abandon(): void {
    this.#over = true;
    this.#call?.abandon();
  }

  /** Asks for the next part. */
  next(): void {
    // What lies at a revision that some member has applied is the same everywhere, for good: nobody has to confirm it.
    this.#ask(this.#header === undefined ? this.#request.serializable : true);
  }

  /** @param outcome The answer to the whole range, which turned out to be a part. */
  take(outcome: CallOutcome): void {
    this.#answered(outcome, true);
  }

  #ask(serializable: boolean): void {
    const { limit, countOnly } = this.#request;
    const bytes = etcdserverpb.RangeRequest.encode({
      ...this.#message,
      key: this.#from,
      revision: this.#pinned,
      limit: this.#wanted === "one-more" ? 1 : limit > 0 ? limit - this.#sent : 0,
      countOnly: countOnly || this.#wanted === "count",
      serializable,
    }).finish();
    this.#call = this.dependencies.kv.slice(bytes, serializable, this.context, (outcome) =>
      this.#answered(outcome, serializable),
    );
  }

  #answered(outcome: CallOutcome, serializable: boolean): void {
    if (this.#over) return;
    if (outcome.kind === "failed") {
      // This member is behind the one that pinned the revision.
      const lags = outcome.failure.code === "future-revision" && this.#header !== undefined;
      return lags && serializable ? this.#ask(false) : this.#fail(outcome.failure);
    }
    let page: RangePage;
    try {
      page = rangePageOf(outcome.bytes);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      return this.#fail(definite("internal", error.message));
    }
    this.#take(page, outcome.next);
  }

  #take(page: RangePage, next: Uint8Array | undefined): void {
    const { listener } = this.dependencies;
    this.#header ??= Uint8Array.from(page.header);
    if (this.#pinned <= 0) this.#pinned = page.revision;
    this.#count += page.count;
    const isProbe = this.#wanted === "one-more";
    const kvs = isProbe ? page.kvs.subarray(0, 0) : page.kvs;
    if (isProbe && page.keys > 0) this.#more = true;
    if (!isProbe) this.#sent += page.keys;
    if (page.more) this.#more = true;
    if (next === undefined) {
      this.#over = true;
      return listener.part(kvs, { header: this.#header, more: this.#more, count: this.#count });
    }
    this.#from = Uint8Array.from(next);
    const { limit } = this.#request;
    this.#wanted = this.#more ? "count" : limit > 0 && this.#sent >= limit ? "one-more" : "keys";
    if (kvs.length === 0) this.next();
    else listener.part(kvs, undefined);
  }

  #fail(failure: RequestFailure): void {
    this.#over = true;
    this.dependencies.listener.fail(failure);
  }
}
