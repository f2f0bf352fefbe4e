import type { ActorRef } from "@quorate/actor";
import type { Clock } from "@quorate/base";
import {
  isReadOnlyTxn,
  isSerializableTxn,
  validateDeleteRange,
  validatePut,
  validateRange,
  validateTxn,
} from "@quorate/mvcc";
import { parseTraceContext, type Span, type Tracer } from "@quorate/telemetry";
import {
  decodeCompactRequest,
  decodeDeleteRangeRequest,
  decodePutRequest,
  decodeRangeRequest,
  decodeTxnRequest,
} from "@quorate/wire";
import type { LeaderTracker } from "../actors/leader-tracker";
import {
  PendingCall,
  type CallKind,
  type CallOutcome,
  type ReadCall,
  type ReadKind,
  type WriteCall,
  type WriteKind,
} from "../actors/pending-call";
import type { Abandonable, ApiMethod, CallContext } from "./api-method";
import { definite, type FailureCode } from "./request-failure";

export interface KvApiOptions {
  /** The longest a call may take, in milliseconds, whatever its caller would wait. */
  readonly requestTimeoutMs: number;
  /** Most operations in a transaction, see `TxnLimits`. */
  readonly txnOpsMax: number;
  /** The largest write, in bytes, counted with {@link PROPOSAL_OVERHEAD_BYTES}. */
  readonly requestBytesMax: number;
}

export interface KvApiDependencies {
  readonly clock: Clock;
  readonly tracker: LeaderTracker;
  readonly proposer: ActorRef<WriteCall>;
  readonly linearizableReader: ActorRef<ReadCall>;
  readonly serializableReader: ActorRef<ReadCall>;
  readonly tracer: Tracer;
}

type Reply = (outcome: CallOutcome) => void;

/** What etcd's own envelope adds to a request before it compares the size: so the same requests are too large here. */
export const PROPOSAL_OVERHEAD_BYTES = 24;

/**
 * The key-value calls: decodes each request once, to validate it and to tell reads from writes, and hands its bytes on as
 * they came. Nothing that fails here has been sent anywhere.
 */
export class KvApi {
  constructor(
    private readonly options: KvApiOptions,
    private readonly dependencies: KvApiDependencies,
  ) {}

  readonly range: ApiMethod = (bytes, context, reply) =>
    this.#checked(context, reply, () => {
      const request = decodeRangeRequest(bytes);
      const error = validateRange(request)?.code;
      if (error !== undefined) return error;
      return this.#read("range", bytes, request.serializable, context, reply);
    });

  readonly put: ApiMethod = (bytes, context, reply) =>
    this.#checked(context, reply, () => {
      return validatePut(decodePutRequest(bytes))?.code ?? this.#write("put", bytes, context, reply);
    });

  readonly deleteRange: ApiMethod = (bytes, context, reply) =>
    this.#checked(context, reply, () => {
      const error = validateDeleteRange(decodeDeleteRangeRequest(bytes))?.code;
      return error ?? this.#write("delete-range", bytes, context, reply);
    });

  readonly txn: ApiMethod = (bytes, context, reply) =>
    this.#checked(context, reply, () => {
      const request = decodeTxnRequest(bytes);
      const error = validateTxn(request, this.options)?.code;
      if (error !== undefined) return error;
      if (!isReadOnlyTxn(request)) return this.#write("txn", bytes, context, reply);
      return this.#read("txn", bytes, isSerializableTxn(request), context, reply);
    });

  readonly compact: ApiMethod = (bytes, context, reply) =>
    this.#checked(context, reply, () => {
      decodeCompactRequest(bytes);
      return this.#write("compact", bytes, context, reply);
    });

  /** A part of a longer range that was validated as a whole; see `RangeStreamApi`. */
  page(
    bytes: Uint8Array,
    options: { readonly counted: boolean; readonly serializable: boolean },
    context: CallContext,
    reply: Reply,
  ): Abandonable {
    return this.#read(options.counted ? "range" : "page", bytes, options.serializable, context, reply);
  }

  methodOf(kind: Exclude<CallKind, "page">): ApiMethod {
    return kind === "delete-range" ? this.deleteRange : this[kind];
  }

  /** Runs `start`, which gives the call it began, or what is wrong with the request. */
  #checked(
    context: CallContext,
    reply: Reply,
    start: () => PendingCall | FailureCode,
  ): PendingCall | undefined {
    if (context.requireLeader && this.dependencies.tracker.leader === undefined) {
      return refuse(reply, "no-leader");
    }
    try {
      const started = start();
      return typeof started === "string" ? refuse(reply, started) : started;
    } catch (error) {
      if (!isDecodeError(error)) throw error;
      return refuse(reply, "malformed", error.message);
    }
  }

  #read(
    kind: ReadKind,
    bytes: Uint8Array,
    serializable: boolean,
    context: CallContext,
    reply: Reply,
  ): ReadCall {
    const call = this.#call(kind, bytes, context, reply);
    const { linearizableReader, serializableReader } = this.dependencies;
    (serializable ? serializableReader : linearizableReader).tell(call);
    return call;
  }

  #write(kind: WriteKind, bytes: Uint8Array, context: CallContext, reply: Reply): WriteCall | FailureCode {
    if (bytes.length + PROPOSAL_OVERHEAD_BYTES > this.options.requestBytesMax) return "too-large";
    const call = this.#call(kind, bytes, context, reply);
    this.dependencies.proposer.tell(call);
    return call;
  }

  #call<K extends CallKind>(kind: K, bytes: Uint8Array, context: CallContext, reply: Reply): PendingCall<K> {
    const startedAt = this.dependencies.clock.now();
    const deadline = startedAt + Math.min(context.timeoutMs, this.options.requestTimeoutMs);
    const span = this.#startSpan(kind, context);
    if (span === undefined) return new PendingCall({ kind, bytes, startedAt, deadline, reply });
    const traced = { reply: endingSpan(span, reply), traceContext: span.context };
    return new PendingCall({ kind, bytes, startedAt, deadline, ...traced });
  }

  #startSpan(kind: CallKind, context: CallContext): Span | undefined {
    const { tracer } = this.dependencies;
    if (!tracer.enabled) return undefined;
    return tracer.startRequest(`kv.${kind}`, parseTraceContext(context.traceparent), undefined, {
      kind: "server",
    });
  }
}

function endingSpan(span: Span, reply: Reply): Reply {
  return (outcome) => {
    if (outcome.kind === "failed") span.fail(outcome.failure.code);
    span.end();
    reply(outcome);
  };
}

function refuse(reply: Reply, code: FailureCode, detail?: string): undefined {
  reply({ kind: "failed", failure: definite(code, detail) });
}

function isDecodeError(error: unknown): error is Error {
  return error instanceof Error && "code" in error && error.code === "malformed";
}
