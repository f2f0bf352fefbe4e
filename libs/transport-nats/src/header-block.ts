import type { Headers } from "@quorate/transport";

/** Headers that are read of one message; what is behind them is not. */
export const HEADERS_MAX = 128;

/** What stands before the payload of a message: `NATS/1.0[ status[ text]]`, then lines `Name: value`. */
export interface HeaderBlock {
  /** The broker's own word, such as 503 for "nobody is subscribed"; 0 without one. */
  readonly status: number;
  /** The first value of each: a header given twice is not something that we send. */
  readonly headers: Headers;
}

const FIRST_LINE = /^NATS\/1\.0 +(\d{3})(?: |$)/;

/**
 * Reads the headers of a received message. Never throws, and takes time in proportion to the bytes: any client can send any
 * headers, and the broker does not look at them. The library's own reader throws at names that are not ASCII, and for each
 * header compares its name with all before it, which takes minutes for the 200,000 headers that fit into a message.
 */
export function readHeaderBlock(block: Uint8Array): HeaderBlock {
  const text = Buffer.from(block.buffer, block.byteOffset, block.byteLength).toString("utf8");
  const firstEnd = lineEnd(text, 0);
  const status = Number(FIRST_LINE.exec(text.slice(0, firstEnd))?.[1] ?? 0);
  const values = new Map<string, string>();
  let read = 0;
  for (let at = firstEnd + 2; at < text.length && read < HEADERS_MAX; read += 1) {
    const end = lineEnd(text, at);
    const line = text.slice(at, end);
    const colon = line.indexOf(":");
    if (colon > 0) {
      const name = line.slice(0, colon);
      if (!values.has(name)) values.set(name, line.slice(colon + 1).trim());
    }
    at = end + 2;
  }
  return { status, headers: Object.fromEntries(values) };
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf("\r\n", from);
  return end === -1 ? text.length : end;
}
