import { decodeBatchRequest, encodeBatchResponse, type BatchAnswer, type BatchCall } from "@quorate/wire";
import type { ApiMethod } from "../api/api-method";
import type { KvApi } from "../api/kv-api";
import { definite, type RequestFailure } from "../api/request-failure";
import type { CallOutcome } from "../actors/pending-call";
import { statusOf } from "../grpc/status";

/**
 * Many independent calls in one message. Each is validated, sent and answered like a call of its own; the message is
 * answered once all of them are.
 */
export function batchMethod(api: KvApi): ApiMethod {
  return (request, context, reply) => {
    let calls: readonly BatchCall[];
    try {
      calls = decodeBatchRequest(request);
    } catch (error) {
      reply({ kind: "failed", failure: definite("malformed", (error as Error).message) });
      return undefined;
    }
    const answers: BatchAnswer[] = new Array<BatchAnswer>(calls.length);
    let missing = calls.length;
    const answer = (): void => reply({ kind: "ok", bytes: encodeBatchResponse(answers) });
    if (missing === 0) answer();
    calls.forEach((call, at) => {
      api.methodOf(call.kind)(call.bytes, context, (outcome) => {
        answers[at] = answerOf(outcome);
        missing -= 1;
        if (missing === 0) answer();
      });
    });
    return undefined;
  };
}

function answerOf(outcome: CallOutcome): BatchAnswer {
  // Copied: it is only lent for this callback, and the others may take long.
  return outcome.kind === "ok"
    ? { ok: true, bytes: new Uint8Array(outcome.bytes) }
    : errorOf(outcome.failure);
}

function errorOf(failure: RequestFailure): BatchAnswer {
  return { ok: false, ...statusOf(failure), unknownOutcome: failure.unknownOutcome };
}
