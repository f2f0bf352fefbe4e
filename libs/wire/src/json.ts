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
 * `JSON.parse` that keeps integers beyond 2^53 exact, as bigints: clients do write lease ids without quotes.
 *
 * @throws {SyntaxError} `text` is not JSON.
 */
export function parseJson(text: string): JsonValue {
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

/** ECMAScript's "JSON.parse source text access" hands the digits as they were; Node has it since 21. */
function keepExact(_name: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  return context?.source !== undefined && /^-?\d+$/.test(context.source) ? BigInt(context.source) : value;
}
