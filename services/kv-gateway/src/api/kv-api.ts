import type { ActorRef } from "@quorate/actor";
import {
  isReadOnlyTxn,
  isSerializableTxn,
  validateDeleteRange,
  validatePut,
  validateRange,
  validateTxn,
} from "@quorate/mvcc";
import {
  decodeCompactRequest,
  decodeDeleteRangeRequest,
  decodePutRequest,
  decodeRangeRequest,
  decodeTxnRequest,
  type BatchCall,
} from "@quorate/wire";
import type { ReadCall, ReadKind, WriteCall, WriteKind } from "../actors/pending-call";
import type { ApiCalls, Reply } from "./api-calls";
import type { ApiMethod, CallContext } from "./api-method";
import type { AnswerBudget } from "./answer-budget";
import type { FailureCode } from "./request-failure";
import { UnaryRange } from "./unary-range";

export interface KvApiOptions {
  /** Most operations in a transaction, see `TxnLimits`. */
  readonly txnOpsMax: number;
}

export interface KvApiDependencies {
  /** For answers that come in parts. */
  readonly answers: AnswerBudget;
  readonly calls: ApiCalls;
  readonly proposer: ActorRef<WriteCall>;
  readonly linearizableReader: ActorRef<ReadCall>;
  readonly serializableReader: ActorRef<ReadCall>;
}

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
    this.dependencies.calls.checked(context, reply, () => {
      const request = decodeRangeRequest(bytes);
      const error = validateRange(request)?.code;
      if (error !== undefined) return error;
      return new UnaryRange(
        { request, bytes, context },
        { kv: this, answers: this.dependencies.answers, reply },
      );
    });

  readonly put: ApiMethod = (bytes, context, reply) =>
    this.dependencies.calls.checked(context, reply, () => {
      return validatePut(decodePutRequest(bytes))?.code ?? this.#write("put", bytes, context, reply);
    });

  readonly deleteRange: ApiMethod = (bytes, context, reply) =>
    this.dependencies.calls.checked(context, reply, () => {
      const error = validateDeleteRange(decodeDeleteRangeRequest(bytes))?.code;
      return error ?? this.#write("delete-range", bytes, context, reply);
    });

  readonly txn: ApiMethod = (bytes, context, reply) =>
    this.dependencies.calls.checked(context, reply, () => {
      const request = decodeTxnRequest(bytes);
      const error = validateTxn(request, this.options)?.code;
      if (error !== undefined) return error;
      if (!isReadOnlyTxn(request)) return this.#write("txn", bytes, context, reply);
      return this.#read("txn", bytes, isSerializableTxn(request), context, reply);
    });

  readonly compact: ApiMethod = (bytes, context, reply) =>
    this.dependencies.calls.checked(context, reply, () => {
      decodeCompactRequest(bytes);
      return this.#write("compact", bytes, context, reply);
    });

  /** As much of a range that was validated before as a node answers at once. */
  slice(bytes: Uint8Array, serializable: boolean, context: CallContext, reply: Reply): ReadCall {
    return this.#read("slice", bytes, serializable, context, reply);
  }

  /** The span of a range that is read in slices, and their context. */
  startRange(name: string, context: CallContext): ReturnType<ApiCalls["startWhole"]> {
    return this.dependencies.calls.startWhole(name, context);
  }

  methodOf(kind: BatchCall["kind"]): ApiMethod {
    return kind === "delete-range" ? this.deleteRange : this[kind];
  }

  #read(
    kind: ReadKind,
    bytes: Uint8Array,
    serializable: boolean,
    context: CallContext,
    reply: Reply,
  ): ReadCall {
    const { calls, linearizableReader, serializableReader } = this.dependencies;
    const call = calls.begin(kind, bytes, context, reply);
    (serializable ? serializableReader : linearizableReader).tell(call);
    return call;
  }

  #write(kind: WriteKind, bytes: Uint8Array, context: CallContext, reply: Reply): WriteCall | FailureCode {
    const { calls, proposer } = this.dependencies;
    if (calls.isTooLarge(bytes)) return "too-large";
    const call = calls.begin(kind, bytes, context, reply);
    proposer.tell(call);
    return call;
  }
}
