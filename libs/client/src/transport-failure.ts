import type { RequestResult } from "@quorate/transport";
import { errorCodeOf } from "./errors";
import type { AttemptResult } from "./pending-call";

/** Headers of the NATS services framework in which an endpoint reports that it failed. */
const ERROR_CODE = "Nats-Service-Error-Code";
const ERROR_TEXT = "Nats-Service-Error";
/** How a gateway marks a write that may have happened in spite of the error. */
const OUTCOME = "Quorate-Outcome";

/** What an attempt came to, as far as the transport and the answer's headers tell. */
export function attemptResultOf(result: RequestResult): AttemptResult {
  switch (result.kind) {
    case "answer": {
      const status = result.headers?.[ERROR_CODE];
      if (status === undefined) return { kind: "ok", payload: result.payload };
      const isUnknown = result.headers?.[OUTCOME] === "unknown";
      return failed(errorCodeOf(Number(status)), result.headers?.[ERROR_TEXT] ?? "", isUnknown);
    }
    case "no-responders":
      return failed("UNAVAILABLE", "no gateway of this cluster answers on the broker", false);
    case "not-sent":
      return failed("UNAVAILABLE", "not connected to the broker", false);
    case "no-answer":
      switch (result.why) {
        case "timeout":
          return failed("DEADLINE_EXCEEDED", "context deadline exceeded", true);
        case "disconnected":
          return failed("UNAVAILABLE", "the connection to the broker broke before the answer came", true);
        case "closed":
          return failed("CANCELLED", "the client was closed", true);
      }
  }
}

function failed(
  code: ReturnType<typeof errorCodeOf>,
  message: string,
  unknownOutcome: boolean,
): AttemptResult {
  return { kind: "failed", code, message, unknownOutcome };
}
