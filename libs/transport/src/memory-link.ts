import type { Clock, Scheduler } from "@quorate/base";
import type { BrokerLink, LinkReceiver, LinkServiceDefinition } from "./broker-link";
import { NotConnectedError, TransportClosedError } from "./errors";
import type { SubscriptionTable, TableEntry } from "./subscription-table";
import type { Headers, ServiceHandle, Subscription, TransportStatus } from "./transport";

export interface Envelope {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly reply: string | undefined;
  readonly headers: Headers | undefined;
}

/** The broker's side of a {@link MemoryLink}. */
export interface MemoryBroker {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly subscriptions: SubscriptionTable<MemoryLink>;
  route(from: MemoryLink, envelope: Envelope): void;
  forget(link: MemoryLink): void;
  /** Decides whether what has reached it outlives a connection that ends now. */
  outlives(): boolean;
}

/** One connection to a {@link MemoryNetwork}. */
export class MemoryLink implements BrokerLink {
  readonly inbox: string;
  readonly #entries = new Set<TableEntry<MemoryLink>>();
  readonly #madeAt = new WeakMap<TableEntry<MemoryLink>, number>();
  #statusChanged: (status: TransportStatus) => void = () => {};
  #status: TransportStatus = "connected";
  #connection = 0;
  /** What reached the broker by then on the connection before this one was not lost with it. */
  #outlivedUntil = -Infinity;
  #connectedAt: number;

  constructor(
    readonly options: { readonly name: string; readonly number: number },
    private readonly broker: MemoryBroker,
  ) {
    this.#connectedAt = broker.clock.now();
    this.inbox = `_INBOX.${options.name.replace(/[^\w-]/g, "_")}-${options.number}`;
  }

  get name(): string {
    return this.options.name;
  }

  get connected(): boolean {
    return this.#status === "connected";
  }

  /** Counts the connections that were lost: what travelled on an earlier one never arrives. */
  get connection(): number {
    return this.#connection;
  }

  /** Whether a message is lost on the way that was sent on an earlier connection and reaches the broker at `reachesAt`. */
  hasLost(sentOn: number, reachesAt: number): boolean {
    if (sentOn === this.#connection) return false;
    return sentOn < this.#connection - 1 || reachesAt > this.#outlivedUntil;
  }

  /** Since when a subscription is there, in milliseconds: since it was made, or its connection. */
  subscribedAt(entry: TableEntry<MemoryLink>): number {
    return Math.max(this.#connectedAt, this.#madeAt.get(entry) ?? 0);
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
    this.broker.route(this, { subject, payload: payload.slice(), reply, headers });
    return true;
  }

  subscribe(subject: string, queue: string | undefined, receive: LinkReceiver): Subscription {
    if (this.#status === "closed") throw new TransportClosedError(`subscribe to ${subject}`);
    const entry: TableEntry<MemoryLink> = { client: this, subject, queue, receive };
    this.#entries.add(entry);
    this.#madeAt.set(entry, this.broker.clock.now());
    this.broker.subscriptions.add(entry);
    return {
      unsubscribe: () => {
        this.#entries.delete(entry);
        this.broker.subscriptions.remove(entry);
      },
    };
  }

  serve(definition: LinkServiceDefinition): Promise<ServiceHandle> {
    if (this.#status === "closed")
      return Promise.reject(new TransportClosedError(`serve ${definition.name}`));
    const subscriptions = definition.endpoints.map(({ subject, receive }) =>
      this.subscribe(subject, definition.queue, receive),
    );
    return Promise.resolve({
      stop: () => {
        for (const subscription of subscriptions) subscription.unsubscribe();
        return Promise.resolve();
      },
    });
  }

  flush(): Promise<void> {
    if (this.#status === "closed") return Promise.reject(new TransportClosedError("flush"));
    if (this.#status === "disconnected") return Promise.reject(new NotConnectedError("flush"));
    return new Promise((resolve) => this.broker.scheduler.post(resolve));
  }

  close(): Promise<void> {
    this.#end();
    this.#statusChanged("closed");
    return Promise.resolve();
  }

  disconnect(): void {
    if (this.#status !== "connected") return;
    this.#status = "disconnected";
    this.#ended();
    this.#statusChanged("disconnected");
  }

  reconnect(): void {
    if (this.#status !== "disconnected") return;
    this.#status = "connected";
    this.#connectedAt = this.broker.clock.now();
    this.#statusChanged("connected");
  }

  /** Ends it as the death of its process would: nothing more is sent, received or called back. */
  crash(): void {
    this.#ended();
    this.#end();
  }

  #ended(): void {
    this.#connection += 1;
    this.#outlivedUntil = this.broker.outlives() ? this.broker.clock.now() : -Infinity;
  }

  #end(): void {
    if (this.#status === "closed") return;
    this.#status = "closed";
    for (const entry of this.#entries) this.broker.subscriptions.remove(entry);
    this.#entries.clear();
    this.broker.forget(this);
  }
}
