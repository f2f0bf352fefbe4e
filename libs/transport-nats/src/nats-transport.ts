import type { Clock, Timer } from "@quorate/base";
import { TransportCore, type ProcessExchange, type Transport } from "@quorate/transport";
import { connect, NatsError, type NatsConnection } from "nats";
import { internalsOf } from "./client-internals";
import { BrokerRefusedError, BrokerUnreachableError } from "./errors";
import { NatsLink } from "./nats-link";
import {
  checkOptions,
  checkPayloadLimit,
  connectionOptions,
  connectTimeoutMsOf,
  neededPayloadBytes,
  reconnectWaitMsOf,
  type NatsTransportOptions,
} from "./options";

export interface NatsTransportDependencies {
  readonly clock: Clock;
  /** Where the services of this process meet, if there are several. */
  readonly exchange?: ProcessExchange | undefined;
}

/** {@link Transport} on a NATS broker. */
export const NatsTransport = {
  /**
   * Connects to one of the brokers, trying all of them until `connectTimeoutMs` is over. Afterwards the transport reconnects
   * by itself, for ever.
   *
   * @throws {BrokerUnreachableError} None answered in time.
   * @throws {BrokerRefusedError} One answered and refused the login.
   * @throws {TransportConfigurationError} The options contradict each other or the broker's payload limit.
   */
  async connect(options: NatsTransportOptions, dependencies: NatsTransportDependencies): Promise<Transport> {
    const { clock, exchange } = dependencies;
    checkOptions(options);
    const connection = await dial(options, clock);
    try {
      checkPayloadLimit(options, connection.info?.max_payload ?? 0);
      const internals = internalsOf(connection);
      internals.restoreServers(options.servers);
      internals.keepTryingAfterRefusal();
      internals.dialWhateverTheClock();
      const link = new NatsLink(
        {
          inboxPrefix: options.inboxPrefix,
          drainTimeoutMs: options.drainTimeoutMs ?? 1000,
          neededPayloadBytes: neededPayloadBytes(options),
          onNotice: options.onNotice ?? (() => {}),
          lameDuck: {
            beforeMove: options.beforeMove ?? (() => Promise.resolve()),
            withinMs: options.moveWithinMs ?? 1000,
          },
        },
        { connection, internals, clock },
      );
      const joined = exchange?.join(link) ?? link;
      return new TransportCore(options, { clock, link: joined, scheduler: { post: queueMicrotask } });
    } catch (error) {
      await connection.close();
      throw error;
    }
  },
};

async function dial(options: NatsTransportOptions, clock: Clock): Promise<NatsConnection> {
  const withinMs = connectTimeoutMsOf(options);
  const deadline = clock.now() + withinMs;
  let cause: unknown = "no answer";
  for (;;) {
    const leftMs = deadline - clock.now();
    if (leftMs <= 0) throw new BrokerUnreachableError(options.servers, withinMs, { cause });
    const dialled = connect(connectionOptions(options));
    try {
      return await within(leftMs, dialled, clock);
    } catch (error) {
      if (error instanceof NatsError && error.isAuthError()) {
        throw new BrokerRefusedError(options.servers, { cause: error });
      }
      cause = error;
      void dialled.then((tooLate) => tooLate.close()).catch(() => {});
    }
    await new Promise<void>((resolve) => void clock.setTimer(reconnectWaitMsOf(options), resolve));
  }
}

/** The library bounds neither the look-up of a host name nor the sum of its attempts. */
async function within<T>(limitMs: number, result: Promise<T>, clock: Clock): Promise<T> {
  let timer: Timer | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = clock.setTimer(limitMs, () => reject(new Error("no answer in time")));
  });
  try {
    return await Promise.race([result, late]);
  } finally {
    timer?.cancel();
  }
}
