import { EMPTY_BYTES } from "@quorate/base";
import type { Headers, InboundMessage, ServiceHandle, Transport } from "@quorate/transport";
import { SERVICE_NAME, SERVICE_QUEUE, type ApiService, type Subjects } from "@quorate/wire";
import type { ApiMethod } from "../api/api-method";
import { invalidTimeoutText, timeoutMsOf } from "../api/grpc-timeout";
import { definite, type RequestFailure } from "../api/request-failure";
import type { CallOutcome } from "../actors/pending-call";
import { statusOf, type ClientStatus } from "../grpc/status";
import { SERVICE_VERSION } from "../version";
import type { NatsMethod } from "./api-methods";
import { CONTENT_TYPE_NAMES, contentTypeOf, headerOf } from "./content-type";
import { jsonMethod } from "../api/json-method";

export interface NatsApiDependencies {
  readonly transport: Transport;
  readonly subjects: Subjects;
  readonly methods: readonly NatsMethod[];
  /** Hears of every call that failed. */
  readonly failed: (method: string, status: ClientStatus, unknownOutcome: boolean) => void;
}

/** All gateways of a cluster share the calls. */
const QUEUE = SERVICE_QUEUE.gateway;

/**
 * The services answered here, some of them only by UNIMPLEMENTED, so that nobody waits in vain. Not `watch`: that is
 * another process's.
 */
const SERVICES: readonly ApiService[] = ["kv", "cluster", "maintenance", "lease", "auth", "lock", "election"];

const JSON_HEADERS: Headers = { "Content-Type": "application/json" };

type Handler = (message: InboundMessage, reply: string) => void;

/**
 * The NATS door: the public subjects, in protobuf or JSON, discoverable as a NATS micro-service.
 *
 * Each service is one subscription to `<service>.*`. One per method and another for all the rest would not do: of the
 * members of a queue group that match a subject the broker picks one, even if they subscribed to different patterns, so
 * half of the calls would end in the subscription for the rest.
 */
export class NatsApi {
  #handle: ServiceHandle | undefined;

  constructor(private readonly dependencies: NatsApiDependencies) {}

  /** Resolves once the broker knows the subscriptions. */
  async start(): Promise<void> {
    const { transport, subjects } = this.dependencies;
    this.#handle = await transport.serve({
      name: SERVICE_NAME.gateway,
      version: SERVICE_VERSION,
      description: "The key-value API of a Quorate cluster: etcd's requests over NATS, in protobuf or JSON.",
      queue: QUEUE,
      endpoints: SERVICES.map((service) => ({
        name: service,
        subject: subjects.api(service, "*"),
        handler: this.#dispatcherOf(service),
      })),
    });
    await transport.flush();
  }

  /** Takes no more calls. Those that run are still answered. Idempotent. */
  async stop(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.stop();
  }

  #dispatcherOf(service: ApiService): (message: InboundMessage) => void {
    const handlers = new Map<string, Handler>();
    for (const method of this.dependencies.methods) {
      if (method.service === service) handlers.set(method.method, this.#handlerOf(method));
    }
    return (message) => {
      // A call whose outcome nobody is told is not carried out: it would look like one that was lost.
      if (message.reply === undefined) return;
      const method = message.subject.slice(message.subject.lastIndexOf(".") + 1);
      const handler = handlers.get(method);
      if (handler !== undefined) return handler(message, message.reply);
      const name = `${service}.${method}`;
      this.#fail(name, message.reply, definite("unimplemented", `unknown method ${name}`));
    };
  }

  #handlerOf({ service, method, call, json }: NatsMethod): Handler {
    const name = `${service}.${method}`;
    const asJson = json === undefined ? undefined : jsonMethod(call, json);
    return (message, reply) => {
      const contentType = contentTypeOf(message.headers);
      if (contentType === "protobuf") return this.#run(name, call, message, reply, undefined);
      if (contentType === "json" && asJson !== undefined)
        return this.#run(name, asJson, message, reply, JSON_HEADERS);
      const supported = asJson === undefined ? "application/protobuf" : CONTENT_TYPE_NAMES;
      const text = `${name} takes ${supported}, not ${headerOf(message.headers, "content-type") ?? "this"}`;
      this.#fail(name, reply, definite("unsupported-content-type", text));
    };
  }

  #run(
    name: string,
    call: ApiMethod,
    message: InboundMessage,
    reply: string,
    headers: Headers | undefined,
  ): void {
    const traceparent = headerOf(message.headers, "traceparent");
    const requireLeader = headerOf(message.headers, "hasleader") === "true";
    const timeout = headerOf(message.headers, "grpc-timeout");
    const timeoutMs = timeoutMsOf(timeout);
    if (timeoutMs === undefined) {
      return this.#fail(name, reply, definite("malformed", invalidTimeoutText(timeout)));
    }
    const base = { timeoutMs, requireLeader };
    const context = traceparent === undefined ? base : { ...base, traceparent };
    // The payload is only lent for this handler; the call keeps its bytes until the batch is made. Not `slice`: it may be a
    // Buffer, whose `slice` copies nothing.
    call(new Uint8Array(message.payload), context, (outcome) => this.#answer(name, reply, headers, outcome));
  }

  #answer(name: string, reply: string, headers: Headers | undefined, outcome: CallOutcome): void {
    if (outcome.kind === "failed") return this.#fail(name, reply, outcome.failure);
    const { transport } = this.dependencies;
    transport.publish(reply, outcome.bytes, headers === undefined ? undefined : { headers });
  }

  #fail(name: string, reply: string, failure: RequestFailure): void {
    const status = statusOf(failure);
    this.dependencies.failed(name, status, failure.unknownOutcome);
    const error = {
      "Nats-Service-Error-Code": String(status.code),
      "Nats-Service-Error": headerText(status.message),
    };
    const headers = failure.unknownOutcome ? { ...error, "Quorate-Outcome": "unknown" } : error;
    this.dependencies.transport.publish(reply, EMPTY_BYTES, { headers });
  }
}

/** A header is one line. Texts can quote what a client sent. */
function headerText(text: string): string {
  return text.replace(/[\r\n]+/g, " ").toWellFormed();
}
