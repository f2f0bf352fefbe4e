import type { Clock } from "@quorate/base";
import type { Transport } from "@quorate/transport";
import { BrokerUnreachableError } from "./errors";
import { NatsTransport } from "./nats-transport";
import type { NatsTransportOptions } from "./options";

export interface Patience {
  /** Milliseconds after which no further round over all brokers begins; 0 makes one. */
  readonly waitMs: number;
  /** Called after each round over all brokers that failed, some seconds apart: for one log line. */
  readonly onWaiting: (leftMs: number) => void;
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
  options: NatsTransportOptions,
  patience: Patience,
  dependencies: { readonly clock: Clock },
): Promise<Transport> {
  const { clock } = dependencies;
  const deadline = clock.now() + patience.waitMs;
  for (;;) {
    try {
      // The last round is not cut short: its time limit stays the one of every later attempt to reconnect.
      return await NatsTransport.connect(options, dependencies);
    } catch (error) {
      if (!(error instanceof BrokerUnreachableError)) throw error;
      const leftMs = Math.round(deadline - clock.now());
      if (leftMs <= 0)
        throw new BrokerUnreachableError(options.servers, patience.waitMs, { cause: error.cause });
      patience.onWaiting(leftMs);
    }
  }
}
