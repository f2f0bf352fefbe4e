import type {
  Headers,
  InboundMessage,
  ServiceDefinition,
  ServiceHandle,
  Subscription,
  TransportStatus,
} from "./transport";

/**
 * One client's connection as an implementation provides it: single messages within the broker's payload limit. Requests
 * and fragments are built on top of it, once for all implementations, by `TransportCore`.
 */
export interface BrokerLink {
  /** Begins every private subject of this client, such as `_INBOX.x`; nobody else uses it. No dot at the end. */
  readonly inbox: string;
  readonly connected: boolean;
  /** Called once, before anything else: where changes of the connection are reported, synchronously. */
  attach(statusChanged: (status: TransportStatus) => void): void;
  /** Copies what it keeps of `payload`. @returns false if the message was dropped for certain; never kept for later. */
  send(
    subject: string,
    payload: Uint8Array,
    reply: string | undefined,
    headers: Headers | undefined,
  ): boolean;
  /** The broker is told anew after each reconnect. @throws {TransportClosedError} */
  subscribe(subject: string, queue: string | undefined, receive: LinkReceiver): Subscription;
  serve(definition: LinkServiceDefinition): Promise<ServiceHandle>;
  /** @throws {NotConnectedError} */
  flush(): Promise<void>;
  /** Hands out what has arrived, sends what was accepted, and then closes. Idempotent. */
  close(): Promise<void>;
}

export type LinkReceiver = (message: LinkMessage) => void;

export interface LinkMessage extends InboundMessage {
  /** The broker's own word that nobody is subscribed to what was published with this subject as its `reply`. */
  readonly noResponders: boolean;
}

export interface LinkServiceDefinition extends Omit<ServiceDefinition, "endpoints"> {
  readonly endpoints: readonly {
    readonly name: string;
    readonly subject: string;
    readonly receive: LinkReceiver;
  }[];
}
