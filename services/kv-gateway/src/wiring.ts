import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { systemClock, systemScheduler } from "@quorate/actor";
import { parseHexId, seededPrng } from "@quorate/base";
import { parseListenUrl, withPort } from "@quorate/config";
import { NO_LEASE, type LeaseId } from "@quorate/lease";
import { StopNotice, type HealthCheck } from "@quorate/probes";
import { MetricRegistry, type Logger, type Tracer } from "@quorate/telemetry";
import type { ProcessExchange, Transport } from "@quorate/transport";
import { brokerAccess, connectPatiently, type BrokerDeniedError } from "@quorate/transport-nats";
import { brokerConduct, parseClusterName, Subjects } from "@quorate/wire";
import type { MemberId } from "./actors/leader-view";
import { apiMethods } from "./api/methods";
import { Gateway } from "./gateway";
import { HealthService } from "./grpc/health";
import { GrpcServer } from "./grpc/server";
import { ClientPort, type ConnectionTakers } from "./client-port/client-port";
import { tlsOptionsOf } from "./client-port/tls-settings";
import type { ClientStatus } from "./grpc/status";
import { httpDoors } from "./http/http-door";
import { metered } from "./metrics/call-meter";
import { CallMeters } from "./metrics/call-meters";
import { natsMethods } from "./nats/api-methods";
import { NatsApi } from "./nats/nats-api";
import type { GatewayProcessOptions } from "./options";

export interface GatewayEnvironment {
  readonly logger: Logger;
  readonly tracer: Tracer;
  /** Where this process' services meet, if there are others. */
  readonly exchange?: ProcessExchange;
  /** What the process must be beside a gateway, to be ready: of the member that runs in it. */
  readonly memberChecks?: readonly HealthCheck[];
  /** The broker does not allow what the gateway cannot do without: the process must end. May be called again before it has. */
  readonly failed: (error: BrokerDeniedError) => void;
}

export interface RunningGateway {
  /** Where etcd clients are served, with the ports that were really taken. */
  readonly clientUrls: readonly string[];
  /** Says that it is not ready, and after a while refuses new calls, lets running ones end within the grace time, and closes everything. Idempotent. */
  stop(): Promise<void>;
}

/** How often it is looked whether the last running call has ended. */
const IDLE_CHECK_MS = 10;
/** For what was answered in the last moment to leave through gRPC. */
const LAST_ANSWERS_MS = 200;

/**
 * Builds a gateway with both its doors.
 *
 * @throws {ListenError} an address is taken.
 * @throws {TlsFilesError} a certificate is of no use.
 * @throws {BrokerAccessError} how to log in to a broker was given wrongly.
 * @throws {BrokerUnreachableError} no broker answered within `brokerWaitMs`.
 * @throws {BrokerRefusedError} a broker turned this process away.
 * @throws {BrokerDeniedError} a broker forbids what the gateway needs.
 */
export async function startGateway(
  options: GatewayProcessOptions,
  environment: GatewayEnvironment,
): Promise<RunningGateway> {
  const { logger, tracer } = environment;
  const transport = await connect(options, environment, "");
  transport.onStatus((status) => logger.info("broker connection changed", { status }));
  const watchTransport = await connect(options, environment, " watch");
  const subjects = new Subjects(parseClusterName(options.cluster));
  const gateway = new Gateway(
    {
      ...options,
      learnersMax: options.maxLearners,
      gateway: randomBytes(8).readBigUInt64BE(),
      ...identity(options),
    },
    {
      transport,
      watchTransport,
      subjects,
      clock: systemClock,
      scheduler: systemScheduler,
      prng: seededPrng(randomBytes(6).readUIntBE(0, 6)),
      tracer,
      drawLeaseId,
      drawId,
    },
  );
  gateway.tracker.onChange(() => {
    const { leader } = gateway.tracker;
    logger.info("leader changed", { leader: leader?.member, term: leader?.term });
  });
  try {
    return await openDoors(options, { ...environment, gateway, transport, watchTransport, subjects });
  } catch (error) {
    gateway.close();
    await watchTransport[Symbol.asyncDispose]();
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

function drawId(): bigint {
  return randomBytes(8).readBigUInt64BE() || drawId();
}

interface Parts extends GatewayEnvironment {
  readonly gateway: Gateway;
  readonly transport: Transport;
  readonly watchTransport: Transport;
  readonly subjects: Subjects;
}

async function openDoors(options: GatewayProcessOptions, parts: Parts): Promise<RunningGateway> {
  const { gateway, transport, watchTransport, subjects, logger } = parts;
  const failed = failureLog(logger);
  const health = new HealthService();
  const stopNotice = new StopNotice();
  const registry = new MetricRegistry();
  const meters = new CallMeters({ registry, clock: systemClock });
  const methods = apiMethods(gateway);
  const grpc = new GrpcServer(
    {},
    {
      methods: {
        unary: { ...methods.unary, ...health.methods.unary },
        streams: { ...methods.streams, ...health.methods.streams },
      },
      clock: systemClock,
      meters,
      failed,
    },
  );
  const { http, pages } = httpDoors(identity(options), {
    ...parts,
    registry,
    meters,
    failed,
    methods,
    stopNotice,
  });
  await using ports = new AsyncDisposableStack();
  const clientUrls: string[] = [];
  const takers: ConnectionTakers = {
    http1: (socket) => http.take(socket),
    http2: (socket) => grpc.take(socket),
    reloaded: (error) => certificateLog(logger, error),
  };
  for (const url of options.listenClientUrl) {
    const port = ports.use(await listen(options, url, takers));
    clientUrls.push(withPort(url, port.port));
  }
  // HTTP/2 is for gRPC, which these addresses do not serve.
  const onlyPages: ConnectionTakers = {
    ...takers,
    http1: (socket) => pages.take(socket),
    http2: (socket) => socket.destroy(),
  };
  for (const url of options.listenMetricsUrl ?? []) ports.use(await listen(options, url, onlyPages));
  const natsApi = new NatsApi({
    transport,
    subjects,
    methods: natsMethods(gateway).map((entry) => ({
      ...entry,
      call: metered(entry.call, meters.ofNats(entry.service, entry.method)),
    })),
    failed,
  });
  await natsApi.start();
  const listening = ports.move();

  const stop = async (): Promise<void> => {
    stopNotice.give();
    health.stop();
    await delay(options.shutdownDelayMs);
    gateway.keepAliveStreams.stop();
    gateway.recipeCalls.stop();
    gateway.snapshots.close();
    gateway.watch.close(); // streams have no end of their own to wait for
    await listening.disposeAsync();
    const graceMs = options.shutdownGraceMs + LAST_ANSWERS_MS;
    const doorsStopped = Promise.all([grpc.stop(graceMs), http.stop(graceMs), pages.stop(graceMs)]);
    await natsApi.stop();
    await idleOrLate(gateway, options.shutdownGraceMs);
    gateway.close();
    await doorsStopped;
    await watchTransport[Symbol.asyncDispose]();
    await transport[Symbol.asyncDispose]();
  };
  let stopped: Promise<void> | undefined;
  return { clientUrls, stop: () => (stopped ??= stop()) };
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

function listen(options: GatewayProcessOptions, url: string, takers: ConnectionTakers): Promise<ClientPort> {
  const { isEncrypted, ...address } = parseListenUrl(url);
  return ClientPort.listen({ ...address, tls: isEncrypted ? tlsOptionsOf(options) : undefined }, takers);
}

function certificateLog(logger: Logger, error: Error | undefined): void {
  if (error === undefined) logger.info("certificates were replaced, and count from now on");
  else
    logger.error("certificates were replaced by others of no use: the former count on", {
      reason: error.message,
    });
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

/** @param purpose What sets this connection apart from the others of the gateway, in the broker's monitoring. */
async function connect(
  options: GatewayProcessOptions,
  { logger, failed, exchange }: GatewayEnvironment,
  purpose: string,
): Promise<Transport> {
  const { login, ...access } = brokerAccess(options);
  const conduct = brokerConduct(parseClusterName(options.cluster), { roles: ["gateway"], user: login });
  return connectPatiently(
    { ...access, ...conduct, name: `quorate kv-gateway ${options.name}${purpose}` },
    { waitMs: options.brokerWaitMs, logger, denied: failed },
    { clock: systemClock, exchange },
  );
}
