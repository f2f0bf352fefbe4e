import type { LinkMessage, Headers } from "@quorate/transport";
import type { Msg, MsgHdrs } from "nats";

/** The broker's status for a request that matched no subscription. */
const NO_RESPONDERS_STATUS = 503;

/** A received message as {@link LinkMessage}; decodes only what is asked for, most answers need nothing but the payload. */
export class NatsMessage implements LinkMessage {
  #headers: Headers | undefined;

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
    const headers = this.message.headers;
    if (headers === undefined) return undefined;
    return (this.#headers ??= recordOf(headers));
  }

  get noResponders(): boolean {
    return this.message.headers?.code === NO_RESPONDERS_STATUS;
  }
}

/** The first value of each header: a header given twice is not something that we send. */
function recordOf(headers: MsgHdrs): Headers {
  const record: Record<string, string> = {};
  for (const [name, values] of headers) record[name] = values[0] ?? "";
  return record;
}
