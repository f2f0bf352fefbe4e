import type { KeepAliveStreams } from "../api/keep-alive-streams";
import type { LeaseApi } from "../api/lease-api";
import { bidiMethod } from "./bidi";
import type { GrpcService } from "./server";
import { unaryService, type FailureListener } from "./unary";

/** `etcdserverpb.Lease`. */
export function leaseService(
  api: LeaseApi,
  keepAlive: KeepAliveStreams,
  failed: FailureListener,
): GrpcService {
  const unary = unaryService(
    "etcdserverpb.Lease",
    {
      LeaseGrant: api.grant,
      LeaseRevoke: api.revoke,
      LeaseTimeToLive: api.timeToLive,
      LeaseLeases: api.leases,
    },
    failed,
  );
  const stream = bidiMethod("etcdserverpb.Lease/LeaseKeepAlive", keepAlive.open, failed);
  return {
    definition: { ...unary.definition, LeaseKeepAlive: stream.definition },
    implementation: { ...unary.implementation, LeaseKeepAlive: stream.handler },
  };
}
