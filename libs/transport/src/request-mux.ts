import type { Clock, Scheduler } from "@quorate/base";
import type { BrokerLink, LinkMessage } from "./broker-link";
import { DeadlineWheel, WheelEntry } from "./deadline-wheel";
import {
  ACCEPT_HEADER,
  decodeFragment,
  encodeFragment,
  FRAGMENT_HEADER,
  type Fragmenter,
  type FragmentPart,
} from "./fragment";
import type { Reassembler } from "./reassembler";
import type { Headers, RequestOptions, RequestResult } from "./transport";

/** 5 s of deadlines in one turn of the wheel; a timeout is reported at most this much late. */
const DEADLINE_TICK_MS = 10;
const DEADLINE_SLOTS = 512;

export interface RequestMuxOptions {
  /** Requests that may wait for their answer at once; more are "not-sent". */
  readonly requestsMax: number;
}

export interface RequestMuxDependencies {
  readonly link: BrokerLink;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly fragmenter: Fragmenter;
  readonly reassembler: Reassembler;
}

type NoAnswer = Extract<RequestResult, { readonly kind: "no-answer" }>["why"];

class PendingRequest extends WheelEntry {
  constructor(
    readonly token: string,
    readonly callback: (result: RequestResult) => void,
    /** Of a large request: what is sent to those who accept the first part. */
    readonly rest: readonly FragmentPart[],
    private readonly timedOut: (request: PendingRequest) => void,
  ) {
    super();
  }

  override expired(): void {
    this.timedOut(this);
  }
}

/**
 * Matches answers with requests: each request carries a reply subject of its own, all of which one wildcard subscription
 * covers. A subscription, a promise or a timer per request would cost more than the rest of the round trip.
 */
export class RequestMux {
  readonly #pending = new Map<string, PendingRequest>();
  readonly #wheel: DeadlineWheel;
  #sent = 0;

  constructor(
    private readonly options: RequestMuxOptions,
    private readonly dependencies: RequestMuxDependencies,
  ) {
    this.#wheel = new DeadlineWheel({ tickMs: DEADLINE_TICK_MS, slots: DEADLINE_SLOTS }, dependencies);
  }

  /** `callback` never runs before this returns. */
  request(
    subject: string,
    payload: Uint8Array,
    options: RequestOptions,
    callback: (result: RequestResult) => void,
  ): void {
    const { link, fragmenter, scheduler } = this.dependencies;
    if (!link.connected || this.#pending.size >= this.options.requestsMax) {
      scheduler.post(() => callback({ kind: "not-sent" }));
      return;
    }
    // The rest of a large request leaves later, when the caller may have reused its buffer.
    const parts = fragmenter.mustSplit(payload) ? fragmenter.split(payload.slice(), true) : [];
    const token = `r.${this.#sent.toString(36)}`;
    this.#sent += 1;
    const request = new PendingRequest(token, callback, parts.slice(1), this.#timedOut);
    this.#pending.set(token, request);
    this.#wheel.add(request, options.timeoutMs);
    const first = parts[0];
    const sent = link.send(
      subject,
      first?.payload ?? payload,
      `${link.inbox}.${token}`,
      first === undefined
        ? options.headers
        : { ...options.headers, [FRAGMENT_HEADER]: encodeFragment(first.fragment) },
    );
    if (!sent && this.#forget(request)) scheduler.post(() => callback({ kind: "not-sent" }));
  }

  /** Takes what arrived at `<inbox>.<token>`. Late, repeated and foreign messages are ignored. */
  receive(token: string, message: LinkMessage): void {
    const request = this.#pending.get(token);
    if (request === undefined) return;
    const headers = message.headers;
    if (headers === undefined && message.payload.length > 0)
      return this.#answer(request, message.payload, undefined);
    if (message.payload.length === 0 && message.noResponders)
      return this.#finish(request, { kind: "no-responders" });
    if (headers?.[ACCEPT_HEADER] !== undefined)
      return this.#sendRest(request, headers[ACCEPT_HEADER], message.reply);
    const header = headers?.[FRAGMENT_HEADER];
    if (header === undefined) return this.#answer(request, message.payload, headers);
    const fragment = decodeFragment(header);
    if (fragment === undefined) return;
    const whole = this.dependencies.reassembler.add(token, fragment, message);
    if (whole !== undefined) this.#answer(request, whole.payload, whole.headers);
  }

  /** Ends all requests; those made meanwhile by callbacks are left alone. */
  failAll(why: NoAnswer): void {
    for (const request of [...this.#pending.values()]) this.#finish(request, { kind: "no-answer", why });
  }

  close(): void {
    this.failAll("closed");
    this.#wheel.close();
  }

  /** Forgets all requests without calling back. */
  abandon(): void {
    this.#pending.clear();
    this.#wheel.close();
  }

  #answer(request: PendingRequest, payload: Uint8Array, headers: Headers | undefined): void {
    this.#finish(request, { kind: "answer", payload, headers });
  }

  /** Each receiver that accepts gets the rest; usually there is one. */
  #sendRest(request: PendingRequest, id: string, to: string | undefined): void {
    if (to === undefined) return;
    for (const { fragment, payload } of request.rest) {
      if (fragment.id !== id) return;
      this.dependencies.link.send(to, payload, undefined, { [FRAGMENT_HEADER]: encodeFragment(fragment) });
    }
  }

  readonly #timedOut = (request: PendingRequest): void => {
    this.#finish(request, { kind: "no-answer", why: "timeout" });
  };

  #finish(request: PendingRequest, result: RequestResult): void {
    if (this.#forget(request)) request.callback(result);
  }

  #forget(request: PendingRequest): boolean {
    this.#wheel.remove(request);
    return this.#pending.delete(request.token);
  }
}
