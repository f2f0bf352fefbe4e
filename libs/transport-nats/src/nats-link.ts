import type { Clock, Timer } from "@quorate/base";
import {
  isSendable,
  NotConnectedError,
  TransportClosedError,
  type BrokerLink,
  type Headers,
  type LinkReceiver,
  type LinkServiceDefinition,
  type ServiceHandle,
  type Subscription,
  type TransportStatus,
} from "@quorate/transport";
import { createInbox, headers as newHeaders, type MsgHdrs, type Msg, type NatsConnection } from "nats";
import type { ClientInternals } from "./client-internals";
import { UnsendableSubjectError } from "./errors";
import { leaveLameDuck, type LameDuckOptions } from "./lame-duck";
import { NatsMessage } from "./nats-message";
import type { TransportNotice } from "./notice";
import { reportStatus } from "./status-events";

export interface NatsLinkOptions {
  readonly inboxPrefix: string | undefined;
  readonly drainTimeoutMs: number;
  readonly neededPayloadBytes: number;
  readonly onNotice: (notice: TransportNotice) => void;
  readonly lameDuck: LameDuckOptions;
}

export interface NatsLinkDependencies {
  readonly connection: NatsConnection;
  readonly internals: ClientInternals;
  readonly clock: Clock;
}

/**
 * {@link BrokerLink} on the `nats` package.
 *
 * - Nothing is handed to the library while it is not connected: it would keep some of it and send it after reconnecting.
 *   What it holds unsent when the connection breaks, it throws away before it dials again.
 * - Only callbacks, no iterators. A handler that throws must not unwind through the library, whose reader would stop for
 *   good while the connection looks alive; it ends the process instead.
 */
export class NatsLink implements BrokerLink {
  readonly inbox: string;
  readonly #connection: NatsConnection;
  readonly #internals: ClientInternals;
  readonly #clock: Clock;
  #status: TransportStatus;
  #statusChanged: (status: TransportStatus) => void = () => {};
  #closing: Promise<void> | undefined;
  #moving = false;

  constructor(
    private readonly options: NatsLinkOptions,
    { connection, internals, clock }: NatsLinkDependencies,
  ) {
    this.#clock = clock;
    this.#connection = connection;
    this.#internals = internals;
    this.inbox = createInbox(options.inboxPrefix);
    this.#status = internals.connected ? "connected" : "disconnected";
    const onNotice = (notice: TransportNotice): void => {
      options.onNotice(notice);
      if (notice.kind === "lame-duck") this.#moveAway();
    };
    internals.onStatus((status) => {
      reportStatus(status, { ...options, onNotice }, { connection, internals, changed: this.#change });
    });
    void connection.closed().then(() => this.#change("closed"));
  }

  get connected(): boolean {
    return this.#status === "connected" && this.#internals.connected;
  }

  attach(statusChanged: (status: TransportStatus) => void): void {
    this.#statusChanged = statusChanged;
  }

  send(
    subject: string,
    payload: Uint8Array,
    reply: string | undefined,
    headers: Headers | undefined,
  ): boolean {
    if (!this.connected) return false;
    try {
      if (!isSendable(subject, reply)) throw new UnsendableSubjectError(subject, reply);
      // A copy, because the library keeps a reference until the end of the turn. Small ones share a pooled buffer.
      this.#connection.publish(subject, Buffer.from(payload), {
        ...(reply === undefined ? {} : { reply }),
        ...(headers === undefined ? {} : { headers: natsHeaders(headers) }),
      });
      return true;
    } catch (error) {
      // While draining this is expected: whoever still publishes is late.
      if (this.#closing === undefined) this.options.onNotice({ kind: "not-publishable", subject, error });
      return false;
    }
  }

  subscribe(subject: string, queue: string | undefined, receive: LinkReceiver): Subscription {
    if (this.#unusable) throw new TransportClosedError(`subscribe to ${subject}`);
    const subscription = this.#connection.subscribe(subject, {
      ...(queue === undefined ? {} : { queue }),
      callback: (error, message) => {
        if (error === null) deliver(message, receive); // errors come as notices too, see `reportStatus`
      },
    });
    return {
      unsubscribe: () => {
        if (!subscription.isClosed()) subscription.unsubscribe();
      },
    };
  }

  async serve({
    name,
    version,
    description,
    queue,
    endpoints,
  }: LinkServiceDefinition): Promise<ServiceHandle> {
    if (this.#unusable) throw new TransportClosedError(`serve ${name}`);
    const service = await this.#connection.services.add({ name, version, description, queue });
    for (const { name: endpoint, subject, receive } of endpoints) {
      service.addEndpoint(endpoint, {
        subject,
        handler: (error, message) => {
          if (error === null) deliver(message, receive);
        },
      });
    }
    return { stop: async () => void (await service.stop()) };
  }

  async flush(): Promise<void> {
    if (this.#unusable) throw new TransportClosedError("flush");
    if (!this.connected) throw new NotConnectedError("flush");
    try {
      await this.#connection.flush();
    } catch (cause) {
      throw new NotConnectedError("flush", { cause });
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#drain();
    return this.#closing;
  }

  get #unusable(): boolean {
    return this.#closing !== undefined || this.#status === "closed";
  }

  /** With nowhere else to go it stays for as long as it may. */
  #moveAway(): void {
    if (this.#moving || this.#internals.serverCount < 2) return;
    this.#moving = true;
    const lame = this.#connection.getServer();
    const broker = {
      flush: () => this.flush(),
      leave: () => {
        this.#moving = false;
        // It may have been cut off meanwhile, and be somewhere else already.
        const isThere = this.connected && this.#connection.getServer() === lame;
        if (isThere && this.#closing === undefined) this.#internals.destroySocket();
      },
    };
    void leaveLameDuck(this.options.lameDuck, broker, { clock: this.#clock });
  }

  async #drain(): Promise<void> {
    // Without a connection there is nothing to drain, and the library would wait for one.
    if (this.connected) {
      const drained = this.#connection.drain().catch(() => {});
      let late: Timer | undefined;
      const timeLimit = new Promise<void>((resolve) => {
        late = this.#clock.setTimer(this.options.drainTimeoutMs, resolve);
      });
      await Promise.race([drained, timeLimit]);
      late?.cancel();
    }
    await this.#connection.close(); // harmless if the drain has closed it
    this.#change("closed");
  }

  readonly #change = (status: TransportStatus): void => {
    if (status === this.#status || this.#status === "closed") return;
    this.#status = status;
    this.#statusChanged(status);
  };
}

function deliver(message: Msg, receive: LinkReceiver): void {
  try {
    receive(new NatsMessage(message));
  } catch (error) {
    queueMicrotask(() => {
      throw error; // uncaught on purpose: it ends the process, see the class comment
    });
  }
}

function natsHeaders(headers: Headers): MsgHdrs {
  const result = newHeaders();
  for (const [name, value] of Object.entries(headers)) result.set(name, value);
  return result;
}
