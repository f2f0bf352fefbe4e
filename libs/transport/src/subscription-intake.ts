import { EMPTY_BYTES } from "@quorate/base";
import type { BrokerLink, LinkMessage } from "./broker-link";
import { ACCEPT_HEADER, decodeFragment, FRAGMENT_HEADER, type Fragment } from "./fragment";
import type { Reassembler } from "./reassembler";
import type { InboundMessage } from "./transport";

export interface SubscriptionIntakeOptions {
  /** Names the subscription within this client: `<inbox>.<scope>` is where accepted parts are sent. */
  readonly scope: string;
  readonly handler: (message: InboundMessage) => void;
  /** See `TransportCoreOptions`. */
  readonly acceptsReply: (reply: string) => boolean;
}

/** Hands one subscription's messages to its handler: small ones as they come, large ones once they are whole. */
export class SubscriptionIntake {
  #closed = false;

  constructor(
    private readonly options: SubscriptionIntakeOptions,
    private readonly dependencies: { readonly link: BrokerLink; readonly reassembler: Reassembler },
  ) {}

  close(): void {
    this.#closed = true;
  }

  readonly receive = (message: LinkMessage): void => {
    if (this.#closed) return;
    if (message.reply !== undefined && !this.options.acceptsReply(message.reply)) return;
    const headers = message.headers;
    if (headers === undefined && message.payload.length > 0) return this.options.handler(message);
    if (message.payload.length === 0 && message.noResponders) return;
    const header = headers?.[FRAGMENT_HEADER];
    if (header === undefined) return this.options.handler(message);
    const fragment = decodeFragment(header);
    if (fragment !== undefined) this.#receivePart(fragment, message);
  };

  #receivePart(fragment: Fragment, message: InboundMessage): void {
    const { scope, handler } = this.options;
    const { link, reassembler } = this.dependencies;
    const whole = reassembler.add(scope, fragment, message);
    if (whole !== undefined) return handler(whole);
    if (!fragment.offered || message.reply === undefined) return;
    link.send(message.reply, EMPTY_BYTES, `${link.inbox}.${scope}`, { [ACCEPT_HEADER]: fragment.id });
  }
}
