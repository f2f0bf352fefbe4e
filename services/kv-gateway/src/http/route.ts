import type { IncomingMessage, ServerResponse } from "node:http";
import type { FailureListener } from "../grpc/call";
import type { CallMeters } from "../metrics/call-meters";
import type { BodyLimits } from "./request-body";

/** Answers the requests of one path. The answer may come later; it is one even if the request makes no sense. */
export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** What the routes of all methods share. */
export interface RouteDependencies {
  readonly failed: FailureListener;
  readonly meters: CallMeters;
  readonly limits: BodyLimits;
}
