import type { LinkMessage, Headers } from "@quorate/transport";
import type { Msg } from "nats";
import { headerBytesOf } from "./client-internals";
import { readHeaderBlock, type HeaderBlock } from "./header-block";

/** The broker's status for a request that matched no subscription. */
const NO_RESPONDERS_STATUS = 503;

/** A received message as {@link LinkMessage}; decodes only what is asked for, most answers need nothing but the payload. */
export class NatsMessage implements LinkMessage {
  #block: HeaderBlock | undefined;

  constructor(private readonly message: Msg) {}

  get subject(): string {
    return this.message.subject;
  }

  get payload(): Uint8Array {
    return this.message.data;
  }

  get reply(): string | undefined {
    const reply = this.message.reply;
    return reply === undefined || reply === "" ? undefined : reply;
  }

  get headers(): Headers | undefined {
    return this.#readBlock()?.headers;
  }

  get noResponders(): boolean {
    return this.#readBlock()?.status === NO_RESPONDERS_STATUS;
  }

  #readBlock(): HeaderBlock | undefined {
    if (this.#block !== undefined) return this.#block;
    const bytes = headerBytesOf(this.message);
    return bytes === undefined ? undefined : (this.#block = readHeaderBlock(bytes));
  }
}
