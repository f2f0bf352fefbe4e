/** What a client speaks, by the first bytes that it sends. */
export type SniffedProtocol = "http1" | "http2" | "tls";

const HTTP2_PREFACE_START = [0x50, 0x52, 0x49] as const; // "PRI", which HTTP/1 has set aside: no method begins so
const TLS_HANDSHAKE = 0x16;

/**
 * Tells protocols apart as early as the bytes allow. Whatever is neither TLS nor HTTP/2 is left to HTTP/1, whose parser
 * answers 400 to noise.
 *
 * @param start Everything received so far.
 * @returns `undefined` while more bytes are needed; never more than 3.
 */
export function sniffProtocol(start: Uint8Array): SniffedProtocol | undefined {
  if (start[0] === TLS_HANDSHAKE) return "tls";
  for (const [at, byte] of HTTP2_PREFACE_START.entries()) {
    if (at >= start.length) return undefined;
    if (start[at] !== byte) return "http1";
  }
  return "http2";
}
