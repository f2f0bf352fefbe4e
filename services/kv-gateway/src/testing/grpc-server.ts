import { systemClock } from "@quorate/actor";
import { MetricRegistry } from "@quorate/telemetry";
import type { ApiMethods } from "../api/methods";
import { GrpcServer, type GrpcServerOptions } from "../grpc/server";
import type { FailureListener } from "../grpc/call";
import { CallMeters } from "../metrics/call-meters";

/** A gRPC door with nothing around it. */
export function grpcServer(
  methods: ApiMethods,
  failed: FailureListener = () => undefined,
  options: GrpcServerOptions = {},
): GrpcServer {
  const meters = new CallMeters({ registry: new MetricRegistry(), clock: systemClock });
  return new GrpcServer(options, { methods, clock: systemClock, meters, failed });
}
