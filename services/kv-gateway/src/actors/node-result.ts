import type { NodeAnswer, Result } from "@quorate/wire";
import { definite } from "../api/request-failure";
import type { PendingCall } from "./pending-call";

/** A node's answer to a batch of `count`; `undefined` if it cannot be decoded or does not fit the batch. */
export function readableAnswer(
  payload: Uint8Array,
  decode: (payload: Uint8Array) => NodeAnswer,
  count: number,
): NodeAnswer | undefined {
  let answer: NodeAnswer;
  try {
    answer = decode(payload);
  } catch {
    return undefined;
  }
  return answer.kind === "results" && answer.results.length !== count ? undefined : answer;
}

/** The request was executed: whatever came of it is known. The response's bytes are passed on undecoded. */
export function settleFromResult(call: PendingCall, result: Result): void {
  if (result.ok) call.succeed(result.bytes, result.next);
  else call.fail(definite(result.failure.code, result.failure.detail));
}
