import type { RangeRequest } from "@quorate/mvcc";
import { encodeRangeHead, encodeRangeTail, type RangeEnd } from "@quorate/wire";
import type { CallOutcome } from "../actors/pending-call";
import type { AnswerBudget, AnswerClaim } from "./answer-budget";
import { partOf, type Reply } from "./api-calls";
import { ANSWER_BYTES_MAX, type Abandonable, type CallContext } from "./api-method";
import type { KvApi } from "./kv-api";
import { RangeSlices } from "./range-slices";
import { definite, type RequestFailure } from "./request-failure";

export interface UnaryRangeCall {
  readonly request: RangeRequest;
  /** As the client sent it. */
  readonly bytes: Uint8Array;
  readonly context: CallContext;
}

interface UnaryRangeDependencies {
  readonly kv: KvApi;
  readonly answers: AnswerBudget;
  readonly reply: Reply;
}

/** How often a range without a revision is begun anew because its revision was compacted while it was read. */
const ATTEMPTS_MAX = 3;

/**
 * A Range that is answered at once. Mostly one question to a node is all there is to it; an answer that comes in parts is put
 * together here, as far as there is memory for such answers.
 */
export class UnaryRange implements Abandonable {
  readonly #call: UnaryRangeCall;
  #running: Abandonable;

  constructor(call: UnaryRangeCall, dependencies: UnaryRangeDependencies) {
    const { request, bytes, context } = call;
    const { kv, reply } = dependencies;
    this.#call = call;
    const first = kv.slice(bytes, request.serializable, context, (outcome) => {
      if (outcome.kind === "failed" || outcome.next === undefined) return reply(outcome);
      const parts = partOf(context, first.traceContext);
      this.#running = new LargeRange({ ...this.#call, context: parts }, dependencies, outcome);
    });
    this.#running = first;
  }

  abandon(): void {
    this.#running.abandon();
  }
}

class LargeRange implements Abandonable {
  #claim: AnswerClaim;
  readonly #bytesMax: number;
  /** Grows in place: parts are copied once, and memory is what was written. */
  readonly #buffer: ArrayBuffer;
  #length = 0;
  #slices: RangeSlices;
  #attempts = 1;
  #over = false;

  constructor(
    private readonly call: UnaryRangeCall,
    private readonly dependencies: UnaryRangeDependencies,
    first: CallOutcome,
  ) {
    this.#bytesMax = Math.min(call.context.answerBytesMax ?? ANSWER_BYTES_MAX, dependencies.answers.bytesMax);
    this.#claim = dependencies.answers.open();
    this.#buffer = new ArrayBuffer(0, { maxByteLength: this.#bytesMax });
    this.#slices = this.#open();
    this.#slices.take(first);
  }

  abandon(): void {
    this.#over = true;
    this.#slices.abandon();
    this.#claim.release();
  }

  #open(): RangeSlices {
    return new RangeSlices(this.call, this.call.context, {
      kv: this.dependencies.kv,
      listener: { part: (kvs, end) => this.#add(kvs, end), fail: (failure) => this.#failed(failure) },
    });
  }

  #add(part: Uint8Array, end: RangeEnd | undefined): void {
    // The part is only lent, and there may have to be waited for room.
    const kvs = Uint8Array.from(part);
    const head = end === undefined ? undefined : encodeRangeHead(end.header);
    const tail = end === undefined ? undefined : encodeRangeTail(end);
    const bytes = kvs.length + (head?.length ?? 0) + (tail?.length ?? 0);
    if (this.#length + bytes > this.#bytesMax) return this.#end(definite("answer-too-large"));
    this.#claim.grow(bytes, (refusal) => {
      if (this.#over) return;
      if (refusal !== undefined) return this.#end(definite(refusal));
      // Merging messages is putting them behind one another, so the header may as well come last.
      for (const piece of [kvs, head, tail]) if (piece !== undefined) this.#append(piece);
      if (end === undefined) this.#slices.next();
      else this.#succeed();
    });
  }

  #append(piece: Uint8Array): void {
    this.#buffer.resize(this.#length + piece.length);
    new Uint8Array(this.#buffer, this.#length, piece.length).set(piece);
    this.#length += piece.length;
  }

  #failed(failure: RequestFailure): void {
    const { request } = this.call;
    const mayMove = request.revision <= 0 && this.#attempts < ATTEMPTS_MAX;
    if (failure.code !== "compacted" || !mayMove) return this.#end(failure);
    // The caller asked for what is there now, and nothing was told: what is there now is compacted later.
    this.#attempts += 1;
    this.#length = 0;
    this.#claim.release();
    this.#claim = this.dependencies.answers.open();
    this.#slices = this.#open();
    this.#slices.next();
  }

  #succeed(): void {
    this.#over = true;
    let kept = false;
    const release = (): void => this.#claim.release();
    const hold = { keep: (): void => void (kept = true), release };
    this.dependencies.reply({ kind: "ok", bytes: new Uint8Array(this.#buffer, 0, this.#length), hold });
    if (!kept) release();
  }

  #end(failure: RequestFailure): void {
    this.abandon();
    this.dependencies.reply({ kind: "failed", failure });
  }
}
