import { concatBytes, utf8 } from "@quorate/base";
import { constants } from "node:http2";

const HEADERS = 1;
const RST_STREAM = 3;
const SETTINGS = 4;
const END_HEADERS = constants.NGHTTP2_FLAG_END_HEADERS;

/** A frame as RFC 9113 lays it out (section 4.1), for what no client library would send. */
function http2Frame(type: number, flags: number, stream: number, payload: ArrayLike<number>): Uint8Array {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return concatBytes([head, Uint8Array.from(payload)]);
}

/** What a client begins with, settings of the server confirmed before they came. */
export const HTTP2_GREETING: readonly Uint8Array[] = [
  utf8("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  http2Frame(SETTINGS, 0, 0, []),
  http2Frame(SETTINGS, constants.NGHTTP2_FLAG_ACK, 0, []),
];

/** The headers of a call, and a reset right behind them. @param code Why, as RFC 9113 numbers it. */
export function callTakenBack(stream: number, path: string, type: string, code: number): Uint8Array[] {
  const headers = {
    ":method": "POST",
    ":scheme": "http",
    ":path": path,
    ":authority": "localhost",
    "content-type": type,
  };
  const reason = Buffer.alloc(4);
  reason.writeUInt32BE(code);
  return [
    http2Frame(HEADERS, END_HEADERS, stream, concatBytes(Object.entries(headers).map(literalField))),
    http2Frame(RST_STREAM, 0, stream, reason),
  ];
}

/** A header field as a literal that no table remembers (RFC 7541, 6.2.2); names and values below 127 bytes. */
function literalField([name, value]: readonly [string, string]): Uint8Array {
  const [nameBytes, valueBytes] = [utf8(name), utf8(value)];
  return concatBytes([
    Uint8Array.of(0, nameBytes.length),
    nameBytes,
    Uint8Array.of(valueBytes.length),
    valueBytes,
  ]);
}
