import { brokerAccess } from "@quorate/transport-nats";
import { connect, type NatsConnection } from "nats";

/** What somebody tries to do on a broker. */
export type Attempt =
  | {
      readonly operation: "publish";
      readonly subject: string;
      readonly reply?: string;
      readonly payload?: Uint8Array;
    }
  | { readonly operation: "subscribe"; readonly subject: string; readonly queue: string };

/** Stands for no queue group. */
export const PLAIN = "none";

/** A user of a broker who tries what he may and what he may not, with the plain `nats` package. */
export class BrokerProbe implements AsyncDisposable {
  readonly #denied = new Set<string>();

  private constructor(readonly connection: NatsConnection) {
    void this.#watch();
  }

  /** @param credentials File with the seed of his key; without, he is nobody. */
  static async connect(url: string, credentials?: string): Promise<BrokerProbe> {
    const { authenticator } = brokerAccess({ natsUrl: [url], brokerCredentials: credentials });
    return new BrokerProbe(
      await connect({
        servers: url,
        name: "probe",
        reconnect: false,
        ...(authenticator && { authenticator }),
      }),
    );
  }

  /** @returns Those that the broker did not allow, one text each. */
  async denied(attempts: readonly Attempt[]): Promise<string[]> {
    this.#denied.clear();
    for (const attempt of attempts) this.#try(attempt);
    await this.connection.flush(); // a denial comes before the answer to this
    await new Promise((resolve) => setImmediate(resolve)); // ... and its event some turns later
    return attempts.map(textOf).filter((text) => this.#denied.has(text));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection.close();
  }

  #try(attempt: Attempt): void {
    if (attempt.operation === "publish") {
      const reply = attempt.reply === undefined ? {} : { reply: attempt.reply };
      return this.connection.publish(attempt.subject, attempt.payload ?? new Uint8Array(0), reply);
    }
    const { subject, queue } = attempt;
    this.connection.subscribe(subject, { ...(queue !== PLAIN && { queue }), callback: () => undefined });
  }

  async #watch(): Promise<void> {
    for await (const { permissionContext } of this.connection.status()) {
      if (permissionContext === undefined) continue;
      // The package types less of it than there is.
      const context: { operation: string; subject: string; queue?: string } = permissionContext;
      const { operation, subject, queue = PLAIN } = context;
      this.#denied.add(
        textOf(operation === "publish" ? { operation, subject } : { operation: "subscribe", subject, queue }),
      );
    }
  }
}

export function textOf(attempt: Attempt): string {
  const { operation, subject } = attempt;
  return operation === "publish" ? `publish ${subject}` : `subscribe ${subject} in queue ${attempt.queue}`;
}
