import { decodeMessage } from "./protocol";
import { findMessageType } from "./json-schema";
import { jsonOfMessage } from "./json-output";
import { messageOfJson } from "./json-input";

// The JSON mapping of proto3 as etcd's HTTP gateway speaks it: names as in the protos, 64-bit integers as strings, bytes
// in base64, enums by name. It is the slow door: it walks reflection data rather than having code for each message.

/** What JSON can hold, and how `parseJson` returns it. */
export type JsonValue =
  null | boolean | number | bigint | string | JsonValue[] | { [name: string]: JsonValue };

/**
 * How deep objects and lists may lie in each other. A transaction as deep as {@link NESTING_MAX} allows comes to 768; what
 * walks over the values of a text calls itself for each level, and a few thousand would exhaust the stack.
 */
export const JSON_NESTING_MAX = 1024;

/**
 * `JSON.parse` that keeps integers beyond 2^53 exact, as bigints: clients do write lease ids without quotes.
 *
 * @throws {SyntaxError} `text` is not JSON, or deeper than {@link JSON_NESTING_MAX}.
 */
export function parseJson(text: string): JsonValue {
  if (nestingOf(text) > JSON_NESTING_MAX) throw new SyntaxError(`nested more than ${JSON_NESTING_MAX} deep`);
  return JSON.parse(text, keepExact) as JsonValue;
}

/**
 * Encodes the message that `json` describes. Unknown fields are ignored and `null` is an absent field; names may also be
 * in lowerCamelCase.
 *
 * @param type Full name: `etcdserverpb.RangeRequest`.
 * @param json From {@link parseJson}.
 * @throws {JsonMappingError} `json` does not fit the message.
 */
export function messageFromJson(type: string, json: JsonValue): Uint8Array {
  const schema = findMessageType(type);
  return schema.encode(messageOfJson(schema, json)).finish();
}

/**
 * The JSON of an encoded message. Fields that are zero or empty are left out, except the chosen member of a oneof.
 *
 * @param type Full name: `etcdserverpb.RangeResponse`.
 * @throws {DecodeError} `bytes` is not an encoding of it.
 */
export function messageToJson(type: string, bytes: Uint8Array): { [name: string]: JsonValue } {
  const schema = findMessageType(type);
  return jsonOfMessage(schema, decodeMessage(type, schema, bytes));
}

/** How deep brackets lie in each other, whether they fit or not. */
function nestingOf(text: string): number {
  let deepest = 0;
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) inString = !inString;
    else if (inString) at += code === BACKSLASH ? 1 : 0;
    else if (code === OPEN_OBJECT || code === OPEN_LIST) deepest = Math.max(deepest, ++depth);
    else if (code === CLOSE_OBJECT || code === CLOSE_LIST) depth -= 1;
  }
  return deepest;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;

/**
 * ECMAScript's "JSON.parse source text access" hands the digits as they were; Node has it since 21. Longer numbers fit no
 * field, and are not worth the time: a bigint of a million digits takes seconds to make.
 */
function keepExact(_name: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  return context?.source !== undefined && INTEGER_64.test(context.source) ? BigInt(context.source) : value;
}

/** As many digits as 64 bits can have. */
const INTEGER_64 = /^-?\d{1,20}$/;
