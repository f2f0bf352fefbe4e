import type { Clock, Scheduler } from "@quorate/base";
import type { BrokerLink, LinkMessage } from "./broker-link";
import { encodeFragment, FRAGMENT_HEADER, Fragmenter } from "./fragment";
import { Reassembler } from "./reassembler";
import { RequestMux } from "./request-mux";
import { SubscriptionIntake } from "./subscription-intake";
import type {
  InboundMessage,
  PublishOptions,
  RequestOptions,
  RequestResult,
  ServiceDefinition,
  ServiceHandle,
  SubscribeOptions,
  Subscription,
  Transport,
  TransportStatus,
} from "./transport";

export interface TransportCoreOptions {
  /** Payloads above this are sent in parts of this size. Default 512 KiB: half of a broker's usual limit. */
  readonly fragmentBytes?: number;
  /** Milliseconds until an incomplete fragmented message is given up. Default 5000. */
  readonly reassemblyTimeoutMs?: number;
  /** Bound on incomplete fragmented messages together, and so on the largest message. Default 64 MiB. */
  readonly reassemblyBytesMax?: number;
  /** Requests that may wait for an answer at once; more end as "not-sent". Default 65,536. */
  readonly requestsMax?: number;
  /**
   * Whether the answer to a message may go where that says. What asks for anything else is dropped unseen: its sender wants
   * this client to publish where it may not itself. Default: anywhere.
   */
  readonly acceptsReply?: (reply: string) => boolean;
}

export interface TransportCoreDependencies {
  readonly link: BrokerLink;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
}

export const DEFAULT_FRAGMENT_BYTES = 512 * 1024;

/**
 * The {@link Transport} on top of any {@link BrokerLink}: requests, fragments and status, the same for all brokers.
 *
 * One private subscription, `<inbox>.*.*`, takes all that is meant for this client alone. The last tokens say for whom:
 * `r.<n>` answers a request, `s.<n>` brings the parts of a large request that a subscription has accepted. They are apart so that
 * a broker can let others send the one and not the other.
 */
export class TransportCore implements Transport {
  readonly #link: BrokerLink;
  readonly #fragmenter: Fragmenter;
  readonly #reassembler: Reassembler;
  readonly #mux: RequestMux;
  readonly #intakes = new Map<string, SubscriptionIntake>();
  readonly #listeners = new Set<(status: TransportStatus) => void>();
  readonly #tokenAt: number;
  readonly #acceptsReply: (reply: string) => boolean;
  #subscribed = 0;
  #status: TransportStatus;

  constructor(options: TransportCoreOptions, dependencies: TransportCoreDependencies) {
    const { link } = dependencies;
    this.#link = link;
    this.#status = link.connected ? "connected" : "disconnected";
    this.#fragmenter = new Fragmenter({
      idPrefix: link.inbox.slice(link.inbox.lastIndexOf(".") + 1),
      fragmentBytes: options.fragmentBytes ?? DEFAULT_FRAGMENT_BYTES,
    });
    this.#reassembler = new Reassembler(
      {
        timeoutMs: options.reassemblyTimeoutMs ?? 5000,
        bytesMax: options.reassemblyBytesMax ?? 64 * 1024 * 1024,
      },
      dependencies,
    );
    this.#mux = new RequestMux(
      { requestsMax: options.requestsMax ?? 65_536 },
      { ...dependencies, fragmenter: this.#fragmenter, reassembler: this.#reassembler },
    );
    this.#tokenAt = link.inbox.length + 1;
    this.#acceptsReply = options.acceptsReply ?? (() => true);
    link.attach(this.#statusChanged);
    link.subscribe(`${link.inbox}.*.*`, undefined, this.#receivePrivate);
  }

  get status(): TransportStatus {
    return this.#status;
  }

  onStatus(listener: (status: TransportStatus) => void): Subscription {
    const own = (status: TransportStatus): void => listener(status); // one entry per call, even for the same function
    this.#listeners.add(own);
    return { unsubscribe: () => void this.#listeners.delete(own) };
  }

  publish(subject: string, payload: Uint8Array, options?: PublishOptions): boolean {
    if (!this.#fragmenter.mustSplit(payload)) {
      return this.#link.send(subject, payload, options?.reply, options?.headers);
    }
    return this.#fragmenter.split(payload, false).every(({ fragment, payload: part }) => {
      const header = { [FRAGMENT_HEADER]: encodeFragment(fragment) };
      return fragment.part === 0
        ? this.#link.send(subject, part, options?.reply, { ...options?.headers, ...header })
        : this.#link.send(subject, part, undefined, header);
    });
  }

  subscribe(
    subject: string,
    handler: (message: InboundMessage) => void,
    options?: SubscribeOptions,
  ): Subscription {
    const { scope, intake } = this.#openIntake(handler);
    const subscription = this.#link.subscribe(subject, options?.queue, intake.receive);
    return {
      unsubscribe: () => {
        this.#closeIntake(scope);
        subscription.unsubscribe();
      },
    };
  }

  request(
    subject: string,
    payload: Uint8Array,
    options: RequestOptions,
    callback: (result: RequestResult) => void,
  ): void {
    this.#mux.request(subject, payload, options, callback);
  }

  async serve(definition: ServiceDefinition): Promise<ServiceHandle> {
    const scopes: string[] = [];
    const endpoints = definition.endpoints.map(({ name, subject, handler }) => {
      const { scope, intake } = this.#openIntake(handler);
      scopes.push(scope);
      return { name, subject, receive: intake.receive };
    });
    const served = await this.#link.serve({ ...definition, endpoints });
    return {
      stop: async () => {
        await served.stop(); // what has arrived is still handled
        for (const scope of scopes) this.#closeIntake(scope);
      },
    };
  }

  flush(): Promise<void> {
    return this.#link.flush();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#link.close();
    this.#statusChanged("closed");
  }

  /** Ends it without a word, as the death of a process does; for simulations. Nobody is called back any more. */
  abandon(): void {
    this.#status = "closed";
    this.#listeners.clear();
    this.#mux.abandon();
    this.#end();
  }

  #end(): void {
    this.#reassembler.close();
    for (const intake of this.#intakes.values()) intake.close();
    this.#intakes.clear();
  }

  readonly #statusChanged = (status: TransportStatus): void => {
    if (status === this.#status || this.#status === "closed") return;
    this.#status = status;
    // The status changes first: a callback that sends again at once gets "not-sent" instead of the same failure later.
    if (status === "disconnected") this.#mux.failAll("disconnected");
    if (status === "closed") {
      this.#mux.close();
      this.#end();
    }
    for (const listener of [...this.#listeners]) {
      if (this.#listeners.has(listener)) listener(status);
    }
  };

  readonly #receivePrivate = (message: LinkMessage): void => {
    const token = message.subject.slice(this.#tokenAt);
    if (token.startsWith("r.")) this.#mux.receive(token, message);
    else this.#intakes.get(token)?.receive(message);
  };

  #openIntake(handler: (message: InboundMessage) => void): {
    readonly scope: string;
    readonly intake: SubscriptionIntake;
  } {
    const scope = `s.${this.#subscribed.toString(36)}`;
    this.#subscribed += 1;
    const intake = new SubscriptionIntake(
      { scope, handler, acceptsReply: this.#acceptsReply },
      { link: this.#link, reassembler: this.#reassembler },
    );
    this.#intakes.set(scope, intake);
    return { scope, intake };
  }

  #closeIntake(scope: string): void {
    this.#intakes.get(scope)?.close();
    this.#intakes.delete(scope);
  }
}
