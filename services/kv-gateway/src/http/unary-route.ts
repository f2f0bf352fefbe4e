import type { ServerResponse } from "node:http";
import { answerJson, type HttpHandler } from "@quorate/probes";
import { rpcSchemaOf } from "@quorate/wire";
import type { ApiMethod, CallContext } from "../api/api-method";
import { jsonMethod } from "../api/json-method";
import { definite, type RequestFailure } from "../api/request-failure";
import type { CallOutcome } from "../actors/pending-call";
import { statusOf } from "../grpc/status";
import type { FailureListener } from "../grpc/call";
import { RECEIVE_BYTES_MAX, tooLargeText } from "../grpc/messages";
import { metered } from "../metrics/call-meter";
import { answerError } from "./answer";
import { contextOf } from "./call-context";
import { readBody, type BodyResult } from "./request-body";
import type { RouteDependencies } from "./route";

/**
 * One method behind `POST` and JSON. The content type is not looked at: command lines send whatever they are used to.
 *
 * @param name `etcdserverpb.KV/Range`
 */
export function unaryRoute(
  name: string,
  method: ApiMethod,
  { failed, meters, limits }: RouteDependencies,
): HttpHandler {
  const call = metered(jsonMethod(withinGrpcsLimit(method), rpcSchemaOf(name)), meters.ofRpc(name));
  const refusing: ApiMethod = (_request, _context, reply) => void reply(tooLarge(limits.bytesMax));
  const refused = metered(refusing, meters.ofRpc(name));
  return (request, response) => {
    const context = contextOf(request.headers);
    readBody(request, limits, (body) => {
      const outcomeListener = (outcome: CallOutcome): void => show(response, name, outcome, failed);
      if (body === "gone") return;
      if (body === "too-late") return answerTooLate(response);
      if (typeof context === "string") return outcomeListener(malformed(context));
      if (body === "too-large") return void refused(new Uint8Array(0), context, outcomeListener);
      run(call, body, context, response, outcomeListener);
    });
  };
}

/** What `POST` on the path of a method that is not there yet is answered. */
export function unimplementedFailure(name: string): RequestFailure {
  const [service, method] = name.split("/");
  return definite("unimplemented", `unknown method ${method} for service ${service}`);
}

function run(
  call: ApiMethod,
  body: Exclude<BodyResult, string>,
  context: CallContext,
  response: ServerResponse,
  reply: (outcome: CallOutcome) => void,
): void {
  const pending = call(body, context, reply);
  if (pending === undefined) return;
  response.on("close", () => {
    if (!response.writableEnded) pending.abandon();
  });
}

function show(response: ServerResponse, name: string, outcome: CallOutcome, failed: FailureListener): void {
  if (outcome.kind === "ok") return answerJson(response, 200, outcome.bytes);
  const status = statusOf(outcome.failure);
  failed(name, status, outcome.failure.unknownOutcome);
  answerError(response, status, outcome.failure.unknownOutcome ? { "Quorate-Outcome": "unknown" } : {});
}

/** etcd's gateway is a gRPC client of its own server, whose limit on messages therefore also holds here. */
function withinGrpcsLimit(method: ApiMethod): ApiMethod {
  return (request, context, reply) => {
    const { length } = request;
    if (length <= RECEIVE_BYTES_MAX) return method(request, context, reply);
    const text = tooLargeText(length);
    return void reply({ kind: "failed", failure: definite("message-too-large", text) });
  };
}

function tooLarge(bytesMax: number): CallOutcome {
  const text = `http: request body larger than max (${bytesMax} bytes)`;
  return { kind: "failed", failure: definite("message-too-large", text) };
}

function malformed(text: string): CallOutcome {
  return { kind: "failed", failure: definite("malformed", text) };
}

/** The rest of the body may still come, so nothing else can on this connection. */
function answerTooLate(response: ServerResponse): void {
  const status = statusOf(definite("malformed", "http: the request body did not arrive in time"));
  answerError(response, status, { Connection: "close" }, 408);
}
