import { assertNever } from "@quorate/base";
import { DecodeError } from "./errors";
import { decodeMessage, quorate } from "./protocol";

const wire = quorate.api.v1;

/** One call of a batch: what it is, and its encoded etcdserverpb request. */
export interface BatchCall {
  readonly kind: "range" | "put" | "delete-range" | "txn" | "compact";
  readonly bytes: Uint8Array;
}

/** The answer to one call: an encoded etcdserverpb response or an error as gRPC would tell it. */
export type BatchAnswer =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | {
      readonly ok: false;
      /** gRPC status code. */
      readonly code: number;
      /** etcd's text. */
      readonly message: string;
      /** The call was a write that may or may not have happened. */
      readonly unknownOutcome: boolean;
    };

export function encodeBatchRequest(calls: readonly BatchCall[]): Uint8Array {
  return wire.BatchRequest.encode({ calls: calls.map(wireCall) }).finish();
}

/** The calls are views into `bytes`. @throws {DecodeError} */
export function decodeBatchRequest(bytes: Uint8Array): BatchCall[] {
  return decodeMessage("BatchRequest", wire.BatchRequest, bytes).calls.map((call) => {
    if (call.range) return { kind: "range", bytes: call.range };
    if (call.put) return { kind: "put", bytes: call.put };
    if (call.deleteRange) return { kind: "delete-range", bytes: call.deleteRange };
    if (call.txn) return { kind: "txn", bytes: call.txn };
    if (call.compact) return { kind: "compact", bytes: call.compact };
    throw new DecodeError("Call", "its kind is not known");
  });
}

/** One answer per call, in the order of the calls. */
export function encodeBatchResponse(answers: readonly BatchAnswer[]): Uint8Array {
  return wire.BatchResponse.encode({
    answers: answers.map((answer) =>
      answer.ok
        ? { ok: answer.bytes }
        : { error: { code: answer.code, message: answer.message, unknownOutcome: answer.unknownOutcome } },
    ),
  }).finish();
}

/** Answers are views into `bytes`. @throws {DecodeError} */
export function decodeBatchResponse(bytes: Uint8Array): BatchAnswer[] {
  return decodeMessage("BatchResponse", wire.BatchResponse, bytes).answers.map((answer) => {
    if (answer.ok) return { ok: true, bytes: answer.ok };
    if (answer.error) {
      const { code, message, unknownOutcome } = answer.error;
      return { ok: false, code: code ?? 0, message: message ?? "", unknownOutcome: unknownOutcome ?? false };
    }
    throw new DecodeError("Answer", "it is neither a response nor an error");
  });
}

function wireCall({ kind, bytes }: BatchCall): quorate.api.v1.Call.$Properties {
  switch (kind) {
    case "range":
      return { range: bytes };
    case "put":
      return { put: bytes };
    case "delete-range":
      return { deleteRange: bytes };
    case "txn":
      return { txn: bytes };
    case "compact":
      return { compact: bytes };
    default:
      return assertNever(kind);
  }
}
