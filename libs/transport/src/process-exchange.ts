import type { Scheduler } from "@quorate/base";
import type { BrokerLink, LinkMessage, LinkReceiver, LinkServiceDefinition } from "./broker-link";
import type { Headers, ServiceHandle, Subscription, TransportStatus } from "./transport";

export interface ProcessExchangeOptions {
  /**
   * Whether whoever subscribes to this subject in this process is the only one anywhere. Only then may a message stay in
   * the process: for all others it would be lost.
   */
  readonly isOwn: (subject: string) => boolean;
}

/**
 * Where services of one process meet: what one of them sends to another's own subjects and answers to its private ones
 * does not travel to the broker and back, which saves both hops and the copies on the way.
 *
 * A link that has lost its broker sends nothing here either, so that a service sees one connection that is there or is
 * not, whoever it talks to.
 */
export class ProcessExchange {
  readonly #own = new Map<string, LinkReceiver>();
  /** By the subject's beginning, without the last two tokens. */
  readonly #inboxes = new Map<string, LinkReceiver>();
  /** Sent in this turn; handed over in the next one, in this order. */
  #waiting: (() => void)[] = [];

  constructor(
    private readonly options: ProcessExchangeOptions,
    private readonly dependencies: { readonly scheduler: Scheduler },
  ) {}

  /** What sends and is sent to by way of this exchange where that is possible, and by `link` otherwise. */
  join(link: BrokerLink): BrokerLink {
    return new ColocatedLink(link, this);
  }

  /** @returns `undefined` if the broker alone may carry this subject. */
  registerOwn(subject: string, receive: LinkReceiver): Subscription | undefined {
    return this.options.isOwn(subject) ? register(this.#own, subject, receive) : undefined;
  }

  registerInbox(inbox: string, receive: LinkReceiver): Subscription {
    return register(this.#inboxes, inbox, receive);
  }

  /** @returns false if nobody here is meant. Copies `payload`. */
  deliver(
    subject: string,
    payload: Uint8Array,
    reply: string | undefined,
    headers: Headers | undefined,
  ): boolean {
    const find = (): LinkReceiver | undefined =>
      this.#own.get(subject) ?? this.#inboxes.get(inboxOf(subject));
    if (find() === undefined) return false;
    const message: LinkMessage = { subject, payload: payload.slice(), reply, headers, noResponders: false };
    if (this.#waiting.length === 0) this.dependencies.scheduler.post(this.#handOver);
    this.#waiting.push(() => find()?.(message));
    return true;
  }

  readonly #handOver = (): void => {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const handOver of waiting) handOver();
  };
}

/** See `TransportCore`: what follows it says for which request or subscription a message is. */
function inboxOf(subject: string): string {
  return subject.slice(0, subject.lastIndexOf(".", subject.lastIndexOf(".") - 1));
}

function register(
  receivers: Map<string, LinkReceiver>,
  subject: string,
  receive: LinkReceiver,
): Subscription {
  receivers.set(subject, receive);
  return {
    unsubscribe: () => {
      if (receivers.get(subject) === receive) receivers.delete(subject);
    },
  };
}

class ColocatedLink implements BrokerLink {
  readonly inbox: string;
  readonly #registered = new Set<Subscription>();

  constructor(
    private readonly link: BrokerLink,
    private readonly exchange: ProcessExchange,
  ) {
    this.inbox = link.inbox;
  }

  get connected(): boolean {
    return this.link.connected;
  }

  attach(statusChanged: (status: TransportStatus) => void): void {
    this.link.attach(statusChanged);
  }

  send(
    subject: string,
    payload: Uint8Array,
    reply: string | undefined,
    headers: Headers | undefined,
  ): boolean {
    if (!this.link.connected) return false;
    return (
      this.exchange.deliver(subject, payload, reply, headers) ||
      this.link.send(subject, payload, reply, headers)
    );
  }

  subscribe(subject: string, queue: string | undefined, receive: LinkReceiver): Subscription {
    const subscription = this.link.subscribe(subject, queue, receive);
    const registered = this.#register(subject, queue, receive);
    if (registered === undefined) return subscription;
    this.#registered.add(registered);
    return {
      unsubscribe: () => {
        registered.unsubscribe();
        this.#registered.delete(registered);
        subscription.unsubscribe();
      },
    };
  }

  serve(definition: LinkServiceDefinition): Promise<ServiceHandle> {
    return this.link.serve(definition);
  }

  flush(): Promise<void> {
    return this.link.flush();
  }

  close(): Promise<void> {
    for (const registered of this.#registered) registered.unsubscribe();
    this.#registered.clear();
    return this.link.close();
  }

  #register(subject: string, queue: string | undefined, receive: LinkReceiver): Subscription | undefined {
    if (subject === `${this.inbox}.*.*`) return this.exchange.registerInbox(this.inbox, receive);
    return queue === undefined ? this.exchange.registerOwn(subject, receive) : undefined;
  }
}
