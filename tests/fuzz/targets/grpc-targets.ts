import { gzipSync } from "node:zlib";
import { concatBytes, utf8 } from "@quorate/base";
import { mendAuthority } from "../../../services/kv-gateway/src/client-port/authority";
import { Http2Opening } from "../../../services/kv-gateway/src/client-port/http2-opening";
import { framed, MessageReader } from "../../../services/kv-gateway/src/grpc/messages";
import { fuzzTarget, type FuzzTarget } from "../engine/fuzz-target";

const PREFACE = utf8("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const SETTINGS_ACK = Uint8Array.of(0, 0, 0, 4, 1, 0, 0, 0, 0);
/** `:authority` as a literal, plain and in Huffman code. */
const PLAIN_AUTHORITY = concatBytes([Uint8Array.of(0x41, 17), utf8("http://node-a:237")]);
const HUFFMAN_AUTHORITY = Uint8Array.of(0x41, 0x85, 0x9c, 0x63, 0x18, 0xc6, 0x3f);

function frame(type: number, flags: number, payload: Uint8Array): Uint8Array {
  return concatBytes([Uint8Array.of(0, 0, payload.length, type, flags, 0, 0, 0, 1), payload]);
}

const OPENING = concatBytes([
  PREFACE,
  frame(4, 0, Uint8Array.of(0, 3, 0, 0, 0, 100)),
  SETTINGS_ACK,
  frame(6, 0, new Uint8Array(8)),
  frame(1, 4, PLAIN_AUTHORITY),
]);

/** Between chunks there is time for others, so many of them are no stall. */
const CHUNKS_MAX = 512;

/** The first byte says into how large chunks the rest is cut: what comes in parts must be read like the whole. */
function chunksOf(input: Uint8Array): Buffer[] {
  const size = Math.max(1 + (input[0] ?? 0), Math.ceil(input.length / CHUNKS_MAX));
  const rest = Buffer.from(input.subarray(1));
  const chunks: Buffer[] = [];
  for (let at = 0; at < rest.length; at += size) chunks.push(rest.subarray(at, at + size));
  return chunks;
}

function messagesIn(input: Uint8Array, encoding: string | undefined): unknown[] {
  const reader = new MessageReader(encoding);
  const messages: unknown[] = [];
  for (const chunk of chunksOf(input)) {
    reader.push(chunk);
    for (let next = reader.next(); next !== undefined; next = reader.next()) {
      messages.push(next);
      if (!(next instanceof Uint8Array)) return messages; // the stream ends with a refusal
    }
  }
  return messages;
}

function opened(input: Uint8Array): unknown {
  let sentBytes = 0;
  const opening = new Http2Opening((bytes) => (sentBytes += bytes.length));
  for (const chunk of chunksOf(input)) {
    const taken = opening.push(chunk);
    if (taken !== undefined) return { taken, sentBytes };
  }
  return { sentBytes, isGreeted: opening.isGreeted };
}

export const grpcTargets: readonly FuzzTarget[] = [
  fuzzTarget({
    name: "grpc-messages",
    decode: (input) => messagesIn(input, undefined),
    declares: [],
    seeds: () => [
      concatBytes([
        Uint8Array.of(255),
        framed(utf8("one")),
        framed(new Uint8Array(0)),
        framed(utf8("three")),
      ]),
      concatBytes([Uint8Array.of(2), framed(utf8("in small parts"))]),
    ],
    dictionary: [Uint8Array.of(0, 0, 0x20, 0, 0), Uint8Array.of(0, 0xff, 0xff, 0xff, 0xff)],
  }),
  fuzzTarget({
    name: "grpc-compressed",
    // What a message unpacks to is limited by its own size (2 MiB), not by what was sent.
    decode: (input) =>
      messagesIn(input, "gzip").map((message) => (message instanceof Uint8Array ? message.length : message)),
    declares: [],
    // A message of 25 bytes unpacks into a buffer of zlib's, 16 KiB, which is garbage then.
    externalPerByte: 1024,
    seeds: () => {
      const packed = new Uint8Array(gzipSync(utf8("text text text text")));
      const message = framed(packed);
      message[0] = 1;
      return [concatBytes([Uint8Array.of(255), message]), concatBytes([Uint8Array.of(7), message, message])];
    },
  }),
  fuzzTarget({
    name: "http2-opening",
    decode: opened,
    declares: [],
    seeds: () => [
      concatBytes([Uint8Array.of(255), OPENING]),
      concatBytes([Uint8Array.of(3), OPENING]),
      concatBytes([Uint8Array.of(255), PREFACE, frame(1, 4, HUFFMAN_AUTHORITY), SETTINGS_ACK]),
    ],
    dictionary: [PREFACE, SETTINGS_ACK, PLAIN_AUTHORITY, HUFFMAN_AUTHORITY],
  }),
  fuzzTarget({
    name: "http2-authority",
    decode: (input) => {
      const payload = Uint8Array.from(input.subarray(1));
      mendAuthority(payload, input[0] ?? 0);
      return payload.reduce((changed, byte, at) => changed + (byte === input[at + 1] ? 0 : 1), 0);
    },
    declares: [],
    seeds: () => [
      concatBytes([Uint8Array.of(4), PLAIN_AUTHORITY]),
      concatBytes([Uint8Array.of(4, 0x82, 0x86, 0x40, 1, 0x61, 1, 0x62), HUFFMAN_AUTHORITY]),
      concatBytes([Uint8Array.of(0x2c, 3, 0, 0, 0, 0, 16), PLAIN_AUTHORITY, new Uint8Array(3)]),
    ],
    dictionary: [Uint8Array.of(0x7f, 0xff, 0xff, 0xff, 0x7f), Uint8Array.of(0x41), Uint8Array.of(0x3f, 0x80)],
  }),
];
