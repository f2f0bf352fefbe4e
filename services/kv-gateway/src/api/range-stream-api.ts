import { validateRange, type RangeRequest } from "@quorate/mvcc";
import type { Span } from "@quorate/telemetry";
import { DecodeError, decodeRangeRequest, encodeRangeChunk } from "@quorate/wire";
import type { Abandonable, CallContext } from "./api-method";
import type { KvApi } from "./kv-api";
import { RangeSlices } from "./range-slices";
import { definite, type RequestFailure } from "./request-failure";

/** Where a stream goes. Nothing is called any more after `end` or `fail`. */
export interface ChunkSink {
  /** @returns false if the next chunk should wait until `RangeStream.resume`. */
  write(chunk: Uint8Array): boolean;
  end(): void;
  fail(failure: RequestFailure): void;
}

/** A range in chunks, one for each part that a node answers: neither node nor broker nor gateway ever holds more than one. */
export class RangeStream implements Abandonable {
  readonly #slices: RangeSlices;
  readonly #span: Span | undefined;
  #waiting = false;

  constructor(
    call: { readonly request: RangeRequest; readonly bytes: Uint8Array },
    context: CallContext,
    { kv, sink }: { readonly kv: KvApi; readonly sink: ChunkSink },
  ) {
    const { span, parts } = kv.startRange("kv.range-stream", context);
    this.#span = span;
    this.#slices = new RangeSlices(call, parts, {
      kv,
      listener: {
        part: (kvs, end) => {
          const hasRoom = sink.write(encodeRangeChunk(kvs, end));
          if (end !== undefined) {
            span?.end();
            return sink.end();
          }
          if (hasRoom) this.next();
          else this.#waiting = true;
        },
        fail: (failure) => {
          span?.fail(failure.code);
          span?.end();
          sink.fail(failure);
        },
      },
    });
  }

  /** Asks for the next chunk. */
  next(): void {
    this.#slices.next();
  }

  /** The sink has room again. */
  resume(): void {
    if (!this.#waiting) return;
    this.#waiting = false;
    this.next();
  }

  abandon(): void {
    this.#waiting = false;
    this.#slices.abandon();
    this.#span?.end();
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
  const stream = new RangeStream({ request, bytes }, context, dependencies);
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
