import type { TraceContext } from "@quorate/telemetry";
import type { RawCommand, RawLeaseQuery, RawRead } from "@quorate/wire";
import type { Instant } from "./instant";
import type { RequestFailure } from "../api/request-failure";

/** Which etcdserverpb request the bytes of a call are. */
export type ReadKind = RawRead["kind"];
/** Writes of clients: the rest of what can stand in the log is the leader's own. */
export type WriteKind = Exclude<RawCommand["kind"], "lease-expire" | "lease-checkpoint">;
export type LeaseQueryKind = RawLeaseQuery["kind"];
export type CallKind = ReadKind | WriteKind | LeaseQueryKind;

export type CallOutcome =
  /** An encoded etcd response, as a raft-node made it. Borrowed: valid until the callback returns. */
  | {
      readonly kind: "ok";
      readonly bytes: Uint8Array;
      /** Of a slice that is not the whole range: where the rest begins. Borrowed as well. */
      readonly next?: Uint8Array;
      /** Of a large answer: whoever holds its bytes beyond the callback says so, and when that is over. */
      readonly hold?: AnswerHold;
    }
  | { readonly kind: "failed"; readonly failure: RequestFailure };

/** The claim of a large answer on the memory that there is for such answers. */
export interface AnswerHold {
  /** The bytes are held on: the claim ends with `release` and not with the callback. */
  keep(): void;
  /** Idempotent. */
  release(): void;
}

export interface PendingCallFields<K extends CallKind> {
  readonly kind: K;
  /** The client's own message, never decoded and encoded again. Owned by the call. */
  readonly bytes: Uint8Array;
  readonly startedAt: Instant;
  /** When the caller stops waiting. */
  readonly deadline: Instant;
  /** Set only for calls that are traced. */
  readonly traceContext?: TraceContext;
  readonly reply: (outcome: CallOutcome) => void;
}

/**
 * One client request on its way through the gateway.
 *
 * Invariant: its reply is called at most once, whatever arrives afterwards. A callback and not a promise, because a promise
 * per request costs more than everything else this service does with it.
 */
export class PendingCall<K extends CallKind = CallKind> {
  readonly kind: K;
  readonly bytes: Uint8Array;
  readonly startedAt: Instant;
  readonly deadline: Instant;
  readonly traceContext: TraceContext | undefined;
  #reply: ((outcome: CallOutcome) => void) | undefined;

  constructor(fields: PendingCallFields<K>) {
    this.kind = fields.kind;
    this.bytes = fields.bytes;
    this.startedAt = fields.startedAt;
    this.deadline = fields.deadline;
    this.traceContext = fields.traceContext;
    this.#reply = fields.reply;
  }

  /** Answered or abandoned: nobody waits any more. */
  get settled(): boolean {
    return this.#reply === undefined;
  }

  succeed(bytes: Uint8Array, next?: Uint8Array): void {
    this.#settle(next === undefined ? { kind: "ok", bytes } : { kind: "ok", bytes, next });
  }

  fail(failure: RequestFailure): void {
    this.#settle({ kind: "failed", failure });
  }

  /** The caller went away: it is not sent any more if it was not yet, and its answer is dropped. */
  abandon(): void {
    this.#reply = undefined;
  }

  #settle(outcome: CallOutcome): void {
    const reply = this.#reply;
    this.#reply = undefined;
    reply?.(outcome);
  }
}

export type ReadCall = PendingCall<ReadKind>;
export type WriteCall = PendingCall<WriteKind>;
export type LeaseQueryCall = PendingCall<LeaseQueryKind>;
