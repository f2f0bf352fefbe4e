import type { Transport } from "@quorate/transport";
import { BrokerUnreachableError } from "./errors";
import { NatsTransport, type NatsTransportDependencies } from "./nats-transport";
import type { NatsTransportOptions } from "./options";

export interface Patience {
  /** Milliseconds after which no further round over all brokers begins; 0 makes one. */
  readonly waitMs: number;
  /** Told of each round that failed, some seconds apart, and of what the broker notifies as long as the connection lives. */
  readonly logger: { warn(message: string, facts: Readonly<Record<string, unknown>>): void };
}

/**
 * Connects as `NatsTransport.connect` does, and keeps trying while no broker answers: services and brokers start in any
 * order.
 *
 * @throws {BrokerUnreachableError} none answered within `waitMs`.
 * @throws {BrokerRefusedError} at once: waiting does not help.
 * @throws {TransportConfigurationError} likewise.
 */
export async function connectPatiently(
  options: Omit<NatsTransportOptions, "onNotice">,
  { waitMs, logger }: Patience,
  dependencies: NatsTransportDependencies,
): Promise<Transport> {
  const { clock } = dependencies;
  const { servers } = options;
  const deadline = clock.now() + waitMs;
  const watched = { ...options, onNotice: (notice: object) => logger.warn("broker notice", { notice }) };
  for (;;) {
    try {
      // The last round is not cut short: its time limit stays the one of every later attempt to reconnect.
      return await NatsTransport.connect(watched, dependencies);
    } catch (error) {
      if (!(error instanceof BrokerUnreachableError)) throw error;
      const leftMs = Math.round(deadline - clock.now());
      if (leftMs <= 0) throw new BrokerUnreachableError(servers, waitMs, { cause: error.cause });
      logger.warn("no broker answers yet", { servers, leftMs });
    }
  }
}
