import type { Clock } from "@quorate/base";
import type { Transport } from "@quorate/transport";
import { BrokerUnreachableError } from "./errors";
import { NatsTransport } from "./nats-transport";
import type { NatsTransportOptions } from "./options";

export interface Patience {
  /** Milliseconds until the last attempt fails; 0 makes one attempt. */
  readonly waitMs: number;
  /** Called after each attempt that failed, some seconds apart: for one log line. */
  readonly onWaiting: (error: BrokerUnreachableError) => void;
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
  const deadline = dependencies.clock.now() + patience.waitMs;
  for (;;) {
    try {
      return await NatsTransport.connect(options, dependencies);
    } catch (error) {
      if (!(error instanceof BrokerUnreachableError)) throw error;
      if (dependencies.clock.now() >= deadline) throw error;
      patience.onWaiting(error);
    }
  }
}
