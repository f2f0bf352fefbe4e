import { randomBytes } from "node:crypto";
import { systemClock, systemScheduler } from "@quorate/actor";
import { parseHexId } from "@quorate/base";
import { NO_LEASE, type LeaseId } from "@quorate/lease";
import type { Logger, Tracer } from "@quorate/telemetry";
import type { Transport } from "@quorate/transport";
import { connectPatiently } from "@quorate/transport-nats";
import { parseClusterName, Subjects } from "@quorate/wire";
import type { MemberId } from "./actors/leader-view";
import { Gateway } from "./gateway";
import { clusterService } from "./grpc/cluster";
import { HealthService } from "./grpc/health";
import { kvService } from "./grpc/kv";
import { LeaseService } from "./grpc/lease";
import { maintenanceService } from "./grpc/maintenance";
import { GrpcServer } from "./grpc/server";
import type { ClientStatus } from "./grpc/status";
import { natsMethods } from "./nats/api-methods";
import { NatsApi } from "./nats/nats-api";
import type { GatewayProcessOptions } from "./options";

export interface GatewayEnvironment {
  readonly logger: Logger;
  readonly tracer: Tracer;
}

export interface RunningGateway {
  /** Where etcd clients are served, with the port that was really taken. */
  readonly clientUrl: string;
  /** Refuses new calls, lets running ones end within the grace time, and closes everything. Idempotent. */
  stop(): Promise<void>;
}

/** How often it is looked whether the last running call has ended. */
const IDLE_CHECK_MS = 10;
/** For what was answered in the last moment to leave through gRPC. */
const LAST_ANSWERS_MS = 200;

/**
 * Builds a gateway with both its doors.
 *
 * @throws {ListenError} the client address is taken.
 * @throws {BrokerUnreachableError} no broker answered within `brokerWaitMs`.
 * @throws {BrokerRefusedError} a broker turned this process away.
 */
export async function startGateway(
  options: GatewayProcessOptions,
  environment: GatewayEnvironment,
): Promise<RunningGateway> {
  const { logger, tracer } = environment;
  const transport = await connectPatiently(
    {
      servers: options.natsUrl,
      name: `quorate kv-gateway ${options.name}`,
      onNotice: (notice) => logger.warn("broker notice", { notice }),
    },
    {
      waitMs: options.brokerWaitMs,
      onWaiting: (leftMs) => logger.warn("no broker answers yet", { servers: options.natsUrl, leftMs }),
    },
    { clock: systemClock },
  );
  transport.onStatus((status) => logger.info("broker connection changed", { status }));
  const subjects = new Subjects(parseClusterName(options.cluster));
  const gateway = new Gateway(
    { ...options, gateway: randomBytes(8).readBigUInt64BE(), ...identity(options) },
    { transport, subjects, clock: systemClock, scheduler: systemScheduler, tracer, drawLeaseId },
  );
  gateway.tracker.onChange(() => {
    const { leader } = gateway.tracker;
    logger.info("leader changed", { leader: leader?.member, term: leader?.term });
  });
  try {
    return await openDoors(options, { gateway, transport, subjects, logger });
  } catch (error) {
    gateway.close();
    await transport[Symbol.asyncDispose]();
    throw error;
  }
}

/** As etcd chooses them: positive, and never 0, which is no lease. */
function drawLeaseId(): LeaseId {
  for (;;) {
    const id = (randomBytes(8).readBigUInt64BE() >> 1n) as LeaseId;
    if (id !== NO_LEASE) return id;
  }
}

interface Parts {
  readonly gateway: Gateway;
  readonly transport: Transport;
  readonly subjects: Subjects;
  readonly logger: Logger;
}

async function openDoors(options: GatewayProcessOptions, parts: Parts): Promise<RunningGateway> {
  const { gateway, transport, subjects, logger } = parts;
  const failed = failureLog(logger);
  const health = new HealthService();
  const url = new URL(options.listenClientUrl);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const leases = new LeaseService(
    { electionTimeoutMs: options.electionTimeoutMs },
    {
      api: gateway.lease,
      tracker: gateway.tracker,
      clock: systemClock,
      failed,
    },
  );
  const grpc = await GrpcServer.listen({ host, port: portOf(options.listenClientUrl) }, [
    kvService(gateway.kv, failed),
    maintenanceService(gateway.cluster, failed),
    clusterService(gateway.cluster, failed),
    leases,
    health,
  ]);
  const natsApi = new NatsApi({
    transport,
    subjects,
    methods: natsMethods(gateway),
    failed,
  });
  await natsApi.start();

  const stop = async (): Promise<void> => {
    health.stop();
    leases.stop();
    const grpcStopped = grpc.stop(options.shutdownGraceMs + LAST_ANSWERS_MS);
    await natsApi.stop();
    await idleOrLate(gateway, options.shutdownGraceMs);
    gateway.close();
    await grpcStopped;
    await transport[Symbol.asyncDispose]();
  };
  let stopped: Promise<void> | undefined;
  return { clientUrl: `http://${url.hostname}:${grpc.port}`, stop: () => (stopped ??= stop()) };
}

function identity(options: GatewayProcessOptions): {
  readonly homeMember: MemberId | undefined;
  readonly advertiseClientUrls: readonly string[];
} {
  const { homeMember, advertiseClientUrl } = options;
  return {
    homeMember: homeMember === "" ? undefined : (parseHexId(homeMember) as MemberId),
    advertiseClientUrls: advertiseClientUrl,
  };
}

/** `URL` hides a port that is the scheme's default. */
function portOf(url: string): number {
  return Number(url.slice(url.lastIndexOf(":") + 1));
}

/** Wrong requests are the callers' business; what may have lost an outcome, or came from inside, is an operator's. */
function failureLog(logger: Logger): (method: string, status: ClientStatus, unknownOutcome: boolean) => void {
  return (method, { code, message }, unknownOutcome) => {
    if (unknownOutcome) logger.warn("outcome of a request is unknown", { method, code, text: message });
    else if (logger.isEnabled("debug")) logger.debug("request failed", { method, code, text: message });
  };
}

async function idleOrLate(gateway: Gateway, graceMs: number): Promise<void> {
  const deadline = systemClock.now() + graceMs;
  while (!gateway.idle && systemClock.now() < deadline) {
    await new Promise<void>((resolve) => void systemClock.setTimer(IDLE_CHECK_MS, resolve));
  }
}
