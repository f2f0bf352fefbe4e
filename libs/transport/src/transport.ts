/**
 * What services use of a message broker: best-effort publish, plain and queue subscriptions, request and reply. Nothing
 * here is durable, and a message may be lost, doubled, late or overtaken; see each method for what is known.
 */
export interface Transport extends AsyncDisposable {
  readonly status: TransportStatus;
  /** Called on each change, in the order of the changes. */
  onStatus(listener: (status: TransportStatus) => void): Subscription;

  /**
   * Sends once, at most. While not connected the message is dropped, never kept for later: a late Raft message is worse
   * than none. `payload` may be reused once the call returns. Payloads above the broker's limit are fragmented.
   *
   * @returns false if it was dropped for certain (not connected). True says nothing about arrival.
   */
  publish(subject: string, payload: Uint8Array, options?: PublishOptions): boolean;

  /** Handlers run one at a time per transport, in order of arrival. `*` and `>` wildcards as in NATS. */
  subscribe(
    subject: string,
    handler: (message: InboundMessage) => void,
    options?: SubscribeOptions,
  ): Subscription;

  /**
   * Sends a request and calls back exactly once, never before the call returns, with the first answer, or with why there is
   * none. Large requests and answers are fragmented, also through queue groups (a large `publish` reaches plain
   * subscriptions only).
   */
  request(
    subject: string,
    payload: Uint8Array,
    options: RequestOptions,
    callback: (result: RequestResult) => void,
  ): void;

  /** Announces a service with its endpoints for discovery (`$SRV.*` on NATS) and subscribes them as a queue group. */
  serve(definition: ServiceDefinition): Promise<ServiceHandle>;

  /**
   * Resolves once the broker has processed all that was sent and subscribed before.
   *
   * @throws {NotConnectedError} There is no connection, or it broke meanwhile.
   * @throws {TransportClosedError}
   */
  flush(): Promise<void>;
}

/** "closed" is final. */
export type TransportStatus = "connected" | "disconnected" | "closed";

export interface Subscription {
  /** No handler runs after it returns. Idempotent. */
  unsubscribe(): void;
}

export type Headers = Readonly<Record<string, string>>;

export interface PublishOptions {
  readonly reply?: string;
  readonly headers?: Headers;
}

export interface SubscribeOptions {
  /** Members of one queue group share the messages: each goes to one of them. */
  readonly queue?: string;
}

export interface InboundMessage {
  readonly subject: string;
  /** Borrowed: a view into a shared receive buffer, valid until the handler returns. Copy what must live on. */
  readonly payload: Uint8Array;
  readonly headers: Headers | undefined;
  /** Where an answer is expected, if it is. Plain text: may be kept and published to later. */
  readonly reply: string | undefined;
}

export interface RequestOptions {
  /** Milliseconds until "timeout". */
  readonly timeoutMs: number;
  readonly headers?: Headers;
}

export type RequestResult =
  /** `payload` is borrowed like that of an {@link InboundMessage}: valid until the callback returns. */
  | { readonly kind: "answer"; readonly payload: Uint8Array; readonly headers: Headers | undefined }
  /** Definite: nobody was subscribed, so nobody has it. */
  | { readonly kind: "no-responders" }
  /** Definite: it was not sent, because there is no connection or too many requests wait already. */
  | { readonly kind: "not-sent" }
  /** Unknown: it may have been received and acted upon. `why` is "disconnected" when the connection broke meanwhile. */
  | { readonly kind: "no-answer"; readonly why: "timeout" | "disconnected" | "closed" };

export interface ServiceDefinition {
  readonly name: string;
  /** Semantic version, shown by discovery. */
  readonly version: string;
  readonly description: string;
  readonly queue: string;
  readonly endpoints: readonly ServiceEndpoint[];
}

export interface ServiceEndpoint {
  /** Letters, digits, `-` and `_`. */
  readonly name: string;
  readonly subject: string;
  readonly handler: (message: InboundMessage) => void;
}

export interface ServiceHandle {
  stop(): Promise<void>;
}
