import type { FailureListener } from "../grpc/call";
import type { CallMeters } from "../metrics/call-meters";
import type { BodyLimits } from "./request-body";

/** What the routes of all methods share. */
export interface RouteDependencies {
  readonly failed: FailureListener;
  readonly meters: CallMeters;
  readonly limits: BodyLimits;
}
