import { textOf } from "@quorate/base";

/** A request stream that is no sequence of JSON objects, or has one that is too large. */
export class JsonStreamError extends Error {
  override readonly name = "JsonStreamError";

  constructor(
    readonly code: "malformed" | "message-too-large",
    message: string,
  ) {
    super(message);
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = [0x7b, 0x5b]; // { [
const CLOSE = [0x7d, 0x5d]; // } ]
const WHITESPACE = [0x20, 0x0a, 0x0d, 0x09];

/**
 * Cuts a stream of bytes into JSON objects, with anything or nothing but whitespace between them. It looks only at
 * brackets and strings; whether an object is proper JSON is its reader's to say. The bytes it looks for never occur inside
 * of a multi-byte character, so chunks may end anywhere.
 */
export class JsonSplitter {
  #kept: Uint8Array[] = [];
  #keptBytes = 0;
  #depth = 0;
  #inString = false;
  #escaped = false;

  constructor(private readonly options: { readonly bytesMax: number }) {}

  /**
   * @returns the objects that `chunk` completes.
   * @throws {JsonStreamError}
   */
  push(chunk: Uint8Array): string[] {
    const texts: string[] = [];
    let start = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at]!;
      if (this.#depth === 0) {
        if (WHITESPACE.includes(byte)) continue;
        if (byte !== OPEN[0]) {
          throw new JsonStreamError(
            "malformed",
            `expected an object, given ${JSON.stringify(String.fromCharCode(byte))}`,
          );
        }
        start = at;
      }
      this.#step(byte);
      if (this.#depth === 0) {
        texts.push(this.#take(chunk.subarray(start, at + 1)));
        start = at + 1;
      }
    }
    if (this.#depth > 0) this.#keep(chunk.slice(start));
    return texts;
  }

  /** @throws {JsonStreamError} the stream ended inside of an object. */
  end(): void {
    if (this.#depth > 0) throw new JsonStreamError("malformed", "unexpected end of JSON");
  }

  #step(byte: number): void {
    if (this.#escaped) this.#escaped = false;
    else if (this.#inString) {
      if (byte === BACKSLASH) this.#escaped = true;
      else if (byte === QUOTE) this.#inString = false;
    } else if (byte === QUOTE) this.#inString = true;
    else if (OPEN.includes(byte)) this.#depth += 1;
    else if (CLOSE.includes(byte)) this.#depth -= 1;
  }

  #keep(part: Uint8Array): void {
    const { bytesMax } = this.options;
    this.#keptBytes += part.length;
    if (this.#keptBytes > bytesMax) {
      throw new JsonStreamError("message-too-large", `http: message larger than max (${bytesMax} bytes)`);
    }
    this.#kept.push(part);
  }

  #take(last: Uint8Array): string {
    this.#keep(last);
    const text = textOf(this.#kept.length === 1 ? last : Buffer.concat(this.#kept));
    this.#kept = [];
    this.#keptBytes = 0;
    return text;
  }
}
