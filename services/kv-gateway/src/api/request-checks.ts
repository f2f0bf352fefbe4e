import type { LeaderTracker } from "../actors/leader-tracker";
import type { CallContext } from "./api-method";
import type { Reply } from "./api-calls";
import { definite, type DeliveryFailureCode, type ValidationFailureCode } from "./request-failure";

// For calls that do not go through a queue.

/** Whether `request` is a message of that type; if not, that is answered. */
export function isReadable(
  type: { decode(bytes: Uint8Array): unknown },
  request: Uint8Array,
  reply: Reply,
): boolean {
  try {
    type.decode(request);
    return true;
  } catch (error) {
    reply({ kind: "failed", failure: definite("malformed", String(error)) });
    return false;
  }
}

/** Whether the caller insists on a leader and none is known; if so, that is answered. */
export function lacksLeader(context: CallContext, tracker: LeaderTracker, reply: Reply): boolean {
  if (!context.requireLeader || tracker.leader !== undefined) return false;
  fail(reply, "no-leader");
  return true;
}

export function fail(reply: Reply, code: DeliveryFailureCode | ValidationFailureCode): void {
  reply({ kind: "failed", failure: definite(code) });
}
