import { textOf, utf8 } from "@quorate/base";
import { messageFromJson, messageToJson, parseJson } from "@quorate/wire";
import type { ApiMethod } from "./api-method";
import type { CallOutcome } from "../actors/pending-call";
import { definite, type RequestFailure } from "./request-failure";

/** Puts `method` behind etcd's JSON mapping: requests and answers are JSON text. */
export function jsonMethod(
  method: ApiMethod,
  messages: { readonly request: string; readonly response: string },
): ApiMethod {
  return (text, context, reply) => {
    let request: Uint8Array;
    try {
      // No text at all is what `nats request SUBJECT ""` sends for a request without fields.
      request = messageFromJson(messages.request, text.length === 0 ? {} : parseJson(textOf(text)));
    } catch (error) {
      reply({ kind: "failed", failure: malformed(messages.request, error) });
      return undefined;
    }
    return method(request, context, (outcome) => {
      reply(outcome.kind === "ok" ? jsonOutcome(messages.response, outcome.bytes) : outcome);
    });
  };
}

/** The request was carried out, even if its answer should turn out to be unreadable. */
function jsonOutcome(type: string, bytes: Uint8Array): CallOutcome {
  try {
    return { kind: "ok", bytes: utf8(JSON.stringify(messageToJson(type, bytes))) };
  } catch (error) {
    return {
      kind: "failed",
      failure: definite("internal", `Cannot show the answer: ${(error as Error).message}`),
    };
  }
}

function malformed(type: string, error: unknown): RequestFailure {
  return definite("malformed", `Cannot read JSON of ${type}: ${(error as Error).message}`);
}
