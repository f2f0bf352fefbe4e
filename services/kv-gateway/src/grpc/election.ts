import type { ElectionApi } from "../recipes/election-api";
import { bidiMethod } from "./bidi";
import type { GrpcService } from "./server";
import { unaryService, type FailureListener } from "./unary";

/** `v3electionpb.Election`. */
export function electionService(api: ElectionApi, failed: FailureListener): GrpcService {
  const unary = unaryService(
    "v3electionpb.Election",
    { Campaign: api.campaign, Proclaim: api.proclaim, Leader: api.leader, Resign: api.resign },
    failed,
  );
  // On the wire a stream of answers to one request is a stream both ways, of which one ends at once.
  const observe = bidiMethod("v3electionpb.Election/Observe", api.observe, failed);
  return {
    definition: { ...unary.definition, Observe: observe.definition },
    implementation: { ...unary.implementation, Observe: observe.handler },
  };
}
