import type { WatchCounts } from "./watch-stream";

/** gRPC puts a flag and four bytes of length before each message. */
const PREFIX_BYTES = 5;

const FIELD_CREATED = 3;
const FIELD_EVENTS = 11;

export function frame(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  framed[0] = 0;
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, PREFIX_BYTES);
  return framed;
}

/** Puts the messages of a gRPC stream together out of the chunks in which they come. */
export class Frames {
  readonly #onMessage: (message: Buffer) => void;
  #rest: Buffer = Buffer.alloc(0);

  constructor(onMessage: (message: Buffer) => void) {
    this.#onMessage = onMessage;
  }

  push(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (bytes.length - at >= PREFIX_BYTES) {
      const end = at + PREFIX_BYTES + bytes.readUInt32BE(at + 1);
      if (end > bytes.length) break;
      this.#onMessage(bytes.subarray(at + PREFIX_BYTES, end));
      at = end;
    }
    this.#rest = bytes.subarray(at);
  }
}

/** Walks over the fields of an encoded WatchResponse without looking into them. */
export function countEvents(message: Buffer): WatchCounts {
  let events = 0;
  let created = false;
  for (let at = 0; at < message.length;) {
    const tag = message[at]!;
    const field = tag >> 3;
    at += 1;
    if ((tag & 7) === 2) {
      let length = 0;
      for (let shift = 0; ; shift += 7) {
        const byte = message[at]!;
        at += 1;
        length += (byte & 0x7f) * 2 ** shift;
        if (byte < 0x80) break;
      }
      at += length;
      if (field === FIELD_EVENTS) events += 1;
    } else {
      while (message[at]! >= 0x80) at += 1;
      at += 1;
      if (field === FIELD_CREATED) created = true;
    }
  }
  return { events, created };
}
