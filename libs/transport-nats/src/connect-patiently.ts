import { EMPTY_BYTES } from "@quorate/base";
import type { Transport } from "@quorate/transport";
import { BrokerDeniedError, BrokerUnreachableError } from "./errors";
import { NatsTransport, type NatsTransportDependencies } from "./nats-transport";
import { isNeeded, type BrokerNeeds } from "./needs";
import type { TransportNotice } from "./notice";
import type { NatsTransportOptions } from "./options";

export interface PatientOptions extends Omit<NatsTransportOptions, "onNotice"> {
  /** Default: whatever is denied is only logged. */
  readonly needs?: BrokerNeeds;
}

export interface Patience {
  /** Milliseconds after which no further round over all brokers begins; 0 makes one. */
  readonly waitMs: number;
  /** Told of each round that failed, some seconds apart, and of what the broker notifies as long as the connection lives. */
  readonly logger: { warn(message: string, facts: Readonly<Record<string, unknown>>): void };
  /** Something in `needs` was denied later: what the process does is of no use any more. May be called again. */
  readonly denied?: (error: BrokerDeniedError) => void;
}

/**
 * Connects as `NatsTransport.connect` does, and keeps trying while no broker answers: services and brokers start in any
 * order. Then it finds out whether the broker lets it publish what it needs to; that is the same for all its connections.
 *
 * @throws {BrokerUnreachableError} none answered within `waitMs`.
 * @throws {BrokerRefusedError} at once: waiting does not help.
 * @throws {BrokerDeniedError} likewise.
 * @throws {TransportConfigurationError} likewise.
 */
export async function connectPatiently(
  options: PatientOptions,
  { waitMs, logger, denied }: Patience,
  dependencies: NatsTransportDependencies,
): Promise<Transport> {
  const { clock } = dependencies;
  const { servers, needs } = options;
  const deadline = clock.now() + waitMs;
  const watch = new DenialWatch(needs, logger);
  const watched = { ...options, onNotice: watch.hear };
  for (;;) {
    try {
      // The last round is not cut short: its time limit stays the one of every later attempt to reconnect.
      const transport = await NatsTransport.connect(watched, dependencies);
      await watch.probe(transport);
      watch.denied = denied;
      return transport;
    } catch (error) {
      if (!(error instanceof BrokerUnreachableError)) throw error;
      const leftMs = Math.round(deadline - clock.now());
      if (leftMs <= 0) throw new BrokerUnreachableError(servers, waitMs, { cause: error.cause });
      logger.warn("no broker answers yet", { servers, leftMs });
    }
  }
}

/** Tells denials that a process cannot live with from those that it need not mind. */
class DenialWatch {
  /** Nobody as long as it probes. */
  denied: ((error: BrokerDeniedError) => void) | undefined;
  #probing: BrokerDeniedError[] | undefined;

  constructor(
    private readonly needs: BrokerNeeds | undefined,
    private readonly logger: Patience["logger"],
  ) {}

  readonly hear = (notice: TransportNotice): void => {
    if (notice.kind !== "permission-denied" || this.needs === undefined || !isNeeded(notice, this.needs))
      return this.logger.warn("broker notice", { notice });
    const { operation, subject } = notice;
    const error = new BrokerDeniedError(operation === "subscription" ? "subscribe to" : "publish to", [
      subject,
    ]);
    if (this.#probing !== undefined) this.#probing.push(error);
    else this.denied?.(error);
  };

  /** The broker tells of a denial before it answers what was sent later. */
  async probe(transport: Transport): Promise<void> {
    if (this.needs === undefined) return;
    this.#probing = [];
    for (const subject of this.needs.probes) transport.publish(subject, EMPTY_BYTES);
    // A connection that breaks meanwhile is made again, and who then misses a permission is told so later.
    await transport.flush().catch(() => undefined);
    const missing = this.#probing;
    this.#probing = undefined;
    const [first] = missing;
    if (first === undefined) return;
    await transport[Symbol.asyncDispose]();
    const alike = missing.filter(({ operation }) => operation === first.operation);
    throw new BrokerDeniedError(
      first.operation,
      alike.flatMap(({ subjects }) => subjects),
    );
  }
}
