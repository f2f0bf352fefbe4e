import { healthPage, probePages, type HealthCheck, type StopNotice } from "@quorate/probes";
import type { MetricRegistry } from "@quorate/telemetry";
import type { Transport } from "@quorate/transport";
import { ALARM_NAMES, type NodeStatus } from "@quorate/wire";
import type { MemberId } from "../actors/leader-view";
import type { ApiMethods } from "../api/methods";
import type { Gateway } from "../gateway";
import type { FailureListener } from "../grpc/call";
import { HealthChecks } from "../health/health-checks";
import type { CallMeters } from "../metrics/call-meters";
import { GatewayMetrics } from "../metrics/gateway-metrics";
import { HttpServer, type HttpServerOptions } from "./http-server";
import { metricsPage } from "./metrics-page";
import type { BodyLimits } from "./request-body";
import { rpcRoutes, type RpcRoutes } from "./rpc-routes";
import { versionPage } from "./version-page";

export interface HttpDoorOptions extends HttpServerOptions {
  readonly homeMember: MemberId | undefined;
  readonly limits?: BodyLimits;
}

export interface HttpDoorDependencies {
  readonly gateway: Gateway;
  readonly registry: MetricRegistry;
  readonly meters: CallMeters;
  readonly failed: FailureListener;
  readonly methods: ApiMethods;
  readonly transport: Pick<Transport, "status">;
  readonly stopNotice: StopNotice;
  /** What the process must be beside a gateway, to be ready: of the member that runs in it. */
  readonly memberChecks?: readonly HealthCheck[];
}

/**
 * Largest body of a request: what 2 MiB, the limit of a gRPC message, take in base64, and half as much again. Of a stream
 * it limits each object.
 */
export const BODY_BYTES_MAX = 4 * 1024 * 1024;
/** How long a body may take to arrive; generous, since large ones come over slow lines. */
export const BODY_MS = 30_000;
/** How long a member may keep somebody waiting who collects metrics or looks at its health. */
const MEMBER_ANSWER_MS = 1000;

/**
 * Clients are served as long as a majority is sound: a damaged member has fenced itself, and is shown by the list of alarms and
 * the metrics. A page that failed because of it would take every gateway out of service.
 */
function alarmsThatMatter({ alarms, members }: NodeStatus): NodeStatus["alarms"] {
  const named = members.filter(({ id }) =>
    alarms.some(({ type, memberId }) => type === "corrupt" && memberId === id),
  );
  const isMajoritySound = named.length * 2 < members.filter(({ learner }) => !learner).length;
  return alarms.filter(
    ({ type, memberId }) =>
      type !== "corrupt" || !isMajoritySound || named.every(({ id }) => id !== memberId),
  );
}

export interface HttpDoors {
  /** etcd's JSON paths, and all pages. */
  readonly http: HttpServer;
  /** For those who collect metrics and look at the health, where clients do not come. */
  readonly pages: HttpServer;
}

const NO_RPCS: RpcRoutes = { handlers: new Map(), stop: () => undefined };

/** Puts the HTTP/1 doors together: etcd's JSON paths, health, version and metrics. */
export function httpDoors(options: HttpDoorOptions, dependencies: HttpDoorDependencies): HttpDoors {
  const { gateway, registry, meters, failed, methods } = dependencies;
  const { homeMember, limits = { bytesMax: BODY_BYTES_MAX, timeoutMs: BODY_MS } } = options;
  const checks = new HealthChecks(
    { homeMember },
    {
      ...dependencies,
      range: gateway.kv.range,
      tracker: gateway.tracker,
      directory: gateway.directory,
      alarms: (tell) => {
        const member = homeMember ?? gateway.tracker.leader?.member;
        if (member === undefined) return tell([]);
        gateway.queries.status(member, MEMBER_ANSWER_MS, (status) => {
          tell(status === undefined ? [] : alarmsThatMatter(status).map(({ type }) => ALARM_NAMES[type]));
        });
      },
    },
  );
  const metrics = new GatewayMetrics({ homeMember, answerMs: MEMBER_ANSWER_MS }, { gateway, registry });
  const pages = new Map([
    ["/version", versionPage],
    ["/metrics", metricsPage(metrics)],
    healthPage(registry, (query, tell) =>
      checks.overall(query.getAll("exclude"), query.get("serializable") === "true", tell),
    ),
    ...probePages("livez", checks.livez, registry),
    ...probePages("readyz", [...checks.readyz, ...(dependencies.memberChecks ?? [])], registry),
  ]);
  return {
    http: new HttpServer(options, { rpcs: rpcRoutes(methods, { failed, meters, limits }), pages }),
    pages: new HttpServer(options, { rpcs: NO_RPCS, pages }),
  };
}
