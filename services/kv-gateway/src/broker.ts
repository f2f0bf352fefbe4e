import type { Clock } from "@quorate/base";
import type { Logger } from "@quorate/telemetry";
import type { Transport } from "@quorate/transport";
import { BrokerUnreachableError, NatsTransport } from "@quorate/transport-nats";

export interface BrokerOptions {
  readonly servers: readonly string[];
  readonly name: string;
  /** How long to try in all, in milliseconds. */
  readonly waitMs: number;
}

/** How long one round over all brokers is tried before that is logged. */
const ROUND_MS = 3000;

/**
 * Connects to a broker that may only be starting itself.
 *
 * @throws {BrokerUnreachableError} none answered within `waitMs`.
 * @throws {BrokerRefusedError} one turned this process away.
 */
export async function connectPatiently(
  options: BrokerOptions,
  { logger, clock }: { readonly logger: Logger; readonly clock: Clock },
): Promise<Transport> {
  const { servers, name, waitMs } = options;
  const deadline = clock.now() + waitMs;
  for (;;) {
    const leftMs = deadline - clock.now();
    try {
      return await NatsTransport.connect(
        {
          servers,
          name,
          connectTimeoutMs: Math.max(1, Math.min(ROUND_MS, leftMs)),
          onNotice: (notice) => logger.warn("broker notice", { notice }),
        },
        { clock },
      );
    } catch (error) {
      if (!(error instanceof BrokerUnreachableError)) throw error;
      if (clock.now() >= deadline) throw new BrokerUnreachableError(servers, waitMs, { cause: error.cause });
      logger.warn("no broker answers yet", { servers, leftMs: Math.round(deadline - clock.now()) });
    }
  }
}
