import { randomBytes } from "node:crypto";
import { systemClock, systemScheduler } from "@quorate/actor";
import { brokerCheck, instantCheck, PageServer, StopNotice } from "@quorate/probes";
import type { Logger, Tracer } from "@quorate/telemetry";
import type { ProcessExchange, Transport } from "@quorate/transport";
import { brokerAccess, connectPatiently, type BrokerDeniedError } from "@quorate/transport-nats";
import type { SourceId } from "@quorate/watch";
import { brokerConduct, parseClusterName, Subjects } from "@quorate/wire";
import { Fanout } from "./fanout";
import type { FanoutProcessOptions } from "./options";

export interface FanoutEnvironment {
  readonly logger: Logger;
  readonly tracer: Tracer;
  /** The broker does not allow what the fan-out cannot do without: the process must end. May be called again before it has. */
  readonly failed: (error: BrokerDeniedError) => void;
}

export interface RunningFanout {
  /** Idempotent. */
  stop(): Promise<void>;
}

export interface FanoutEnvironment {
  readonly logger: Logger;
  readonly tracer: Tracer;
  /** Where this process' services meet, if there are others. */
  readonly exchange?: ProcessExchange;
}

/** A node reads this much in a few milliseconds, during which it applies nothing. */
const HISTORY_CHUNK_BYTES = 256 * 1024;

/**
 * Builds a fan-out on two connections to the broker.
 *
 * @throws {ListenError} an address is taken.
 * @throws {BrokerAccessError} how to log in to a broker was given wrongly.
 * @throws {BrokerUnreachableError} no broker answered within `brokerWaitMs`.
 * @throws {BrokerRefusedError} a broker turned this process away.
 * @throws {BrokerDeniedError} a broker forbids what the fan-out needs.
 */
export async function startFanout(
  options: FanoutProcessOptions,
  environment: FanoutEnvironment,
): Promise<RunningFanout> {
  const { logger, tracer } = environment;
  await using stack = new AsyncDisposableStack();
  const stopNotice = new StopNotice();
  const later: { fanout?: Fanout; transport?: Transport } = {};
  // First, so that whoever looks after it sees a process that starts, and not one that hangs.
  stack.use(
    await PageServer.listen(
      { urls: options.listenMetricsUrl ?? [] },
      {
        ready: [
          brokerCheck(() => later.transport?.status ?? "disconnected"),
          instantCheck("feed", () => (later.fanout?.isFed === true ? undefined : "no node feeds it")),
          stopNotice.check,
        ],
      },
    ),
  );
  const transport = (later.transport = stack.use(await connect(options, environment, "")));
  const feedTransport = stack.use(await connect(options, environment, " feed"));
  const fanout = new Fanout(
    {
      ...options,
      source: randomBytes(8).readBigUInt64BE() as SourceId,
      historyChunkBytes: HISTORY_CHUNK_BYTES,
      eventSubjects: options.eventSubjects === "on",
    },
    {
      transport,
      feedTransport,
      subjects: new Subjects(parseClusterName(options.cluster)),
      clock: systemClock,
      scheduler: systemScheduler,
      logger,
      tracer,
    },
  );
  stack.defer(() => fanout.stop());
  await fanout.start();
  later.fanout = fanout;
  const owned = stack.move();
  return {
    stop: () => {
      stopNotice.give();
      return owned.disposeAsync();
    },
  };
}

async function connect(
  options: FanoutProcessOptions,
  { logger, failed, exchange }: FanoutEnvironment,
  purpose: string,
): Promise<Transport> {
  const { login, ...access } = brokerAccess(options);
  const conduct = brokerConduct(parseClusterName(options.cluster), { roles: ["fanout"], user: login });
  return connectPatiently(
    { ...access, ...conduct, name: `quorate watch-fanout ${options.name}${purpose}` },
    { waitMs: options.brokerWaitMs, logger, denied: failed },
    { clock: systemClock, exchange },
  );
}
