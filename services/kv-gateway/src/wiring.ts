import { randomBytes } from "node:crypto";
import { systemClock, systemScheduler } from "@quorate/actor";
import { parseHexId, seededPrng } from "@quorate/base";
import type { Logger, Tracer } from "@quorate/telemetry";
import type { Transport } from "@quorate/transport";
import { parseClusterName, Subjects } from "@quorate/wire";
import type { MemberId } from "./actors/leader-view";
import { connectPatiently } from "./broker";
import { Gateway } from "./gateway";
import { clusterService } from "./grpc/cluster";
import { HealthService } from "./grpc/health";
import { kvService } from "./grpc/kv";
import { maintenanceService } from "./grpc/maintenance";
import { GrpcServer } from "./grpc/server";
import type { ClientStatus } from "./grpc/status";
import { watchService } from "./grpc/watch";
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
    { servers: options.natsUrl, name: options.name, waitMs: options.brokerWaitMs },
    { logger, clock: systemClock },
  );
  transport.onStatus((status) => logger.info("broker connection changed", { status }));
  const watchTransport = await connectPatiently(
    { servers: options.natsUrl, name: `${options.name} watch`, waitMs: options.brokerWaitMs },
    { logger, clock: systemClock },
  );
  const subjects = new Subjects(parseClusterName(options.cluster));
  const gateway = new Gateway(
    { ...options, gateway: randomBytes(8).readBigUInt64BE(), ...identity(options) },
    {
      transport,
      watchTransport,
      subjects,
      clock: systemClock,
      scheduler: systemScheduler,
      prng: seededPrng(randomBytes(6).readUIntBE(0, 6)),
      tracer,
    },
  );
  gateway.tracker.onChange(() => {
    const { leader } = gateway.tracker;
    logger.info("leader changed", { leader: leader?.member, term: leader?.term });
  });
  try {
    return await openDoors(options, { gateway, transport, watchTransport, subjects, logger });
  } catch (error) {
    gateway.close();
    await watchTransport[Symbol.asyncDispose]();
    await transport[Symbol.asyncDispose]();
    throw error;
  }
}

interface Parts {
  readonly gateway: Gateway;
  readonly transport: Transport;
  readonly watchTransport: Transport;
  readonly subjects: Subjects;
  readonly logger: Logger;
}

async function openDoors(options: GatewayProcessOptions, parts: Parts): Promise<RunningGateway> {
  const { gateway, transport, watchTransport, subjects, logger } = parts;
  const failed = failureLog(logger);
  const health = new HealthService();
  const url = new URL(options.listenClientUrl);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const grpc = await GrpcServer.listen({ host, port: portOf(options.listenClientUrl) }, [
    kvService(gateway.kv, failed),
    watchService(gateway.watch, failed),
    maintenanceService(gateway.cluster, failed),
    clusterService(gateway.cluster, failed),
    health,
  ]);
  const natsApi = new NatsApi({
    transport,
    subjects,
    methods: natsMethods(gateway.kv, gateway.cluster),
    failed,
  });
  await natsApi.start();

  const stop = async (): Promise<void> => {
    health.stop();
    gateway.watch.close(); // streams have no end of their own to wait for
    const grpcStopped = grpc.stop(options.shutdownGraceMs + LAST_ANSWERS_MS);
    await natsApi.stop();
    await idleOrLate(gateway, options.shutdownGraceMs);
    gateway.close();
    await grpcStopped;
    await watchTransport[Symbol.asyncDispose]();
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
