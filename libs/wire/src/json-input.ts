import { Enum, type Field, type Type } from "protobufjs/light";
import Long from "long";
import { JsonMappingError } from "./errors";
import { inputFieldsOf, isOneofMember } from "./json-schema";
import { NESTING_MAX } from "./protocol";
import { wireId } from "./int64";
import type { JsonValue } from "./json";

type MessageObject = Record<string, unknown>;

/** The message that `json` describes, as reflection encodes it. @throws {JsonMappingError} */
export function messageOfJson(type: Type, json: JsonValue): MessageObject {
  return readMessage(type, json, "", 0);
}

function readMessage(type: Type, json: JsonValue, path: string, depth: number): MessageObject {
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw mismatch(path, "an object", json);
  if (depth > NESTING_MAX) throw new JsonMappingError(path, `nested more than ${NESTING_MAX} deep`);
  const fields = inputFieldsOf(type);
  const message: MessageObject = {};
  const oneofs = new Set<object>();
  for (const [name, value] of Object.entries(json)) {
    const field = fields.get(name);
    if (field === undefined || value === null) continue;
    const fieldPath = path === "" ? name : `${path}.${name}`;
    if (Object.hasOwn(message, field.name)) throw new JsonMappingError(fieldPath, "given twice");
    if (isOneofMember(field)) {
      if (oneofs.has(field.partOf!)) {
        throw new JsonMappingError(fieldPath, `another member of ${field.partOf!.name} is given too`);
      }
      oneofs.add(field.partOf!);
    }
    const read = field.repeated
      ? readList(field, value, fieldPath, depth)
      : readOne(field, value, fieldPath, depth);
    // Only the wire can tell an empty `range_end` from an absent one; in JSON both mean absent, as with etcd.
    if (field.partOf?.isProto3Optional && read instanceof Uint8Array && read.length === 0) continue;
    message[field.name] = read;
  }
  return message;
}

function readList(field: Field, json: JsonValue, path: string, depth: number): unknown[] {
  if (!Array.isArray(json)) throw mismatch(path, "an array", json);
  return json.map((item, place) => readOne(field, item, `${path}[${place}]`, depth));
}

function readOne(field: Field, json: JsonValue, path: string, depth: number): unknown {
  if (field.resolvedType instanceof Enum) return readEnum(field.resolvedType, json, path);
  if (field.resolvedType !== null) return readMessage(field.resolvedType, json, path, depth + 1);
  switch (field.type) {
    case "bytes":
      return readBytes(json, path);
    case "string":
      if (typeof json !== "string") throw mismatch(path, "a string", json);
      return json;
    case "bool":
      if (typeof json !== "boolean") throw mismatch(path, "true or false", json);
      return json;
    case "int64":
      return readInteger(json, path, -(2n ** 63n), 2n ** 63n - 1n);
    case "uint64":
    case "fixed64":
      return readInteger(json, path, 0n, 2n ** 64n - 1n);
    case "int32":
      return readInteger(json, path, -(2n ** 31n), 2n ** 31n - 1n).toNumber();
    case "uint32":
    case "fixed32":
      return readInteger(json, path, 0n, 2n ** 32n - 1n).toNumber();
    default:
      throw new JsonMappingError(path, `fields of type ${field.type} have no JSON form here`);
  }
}

function readEnum(type: Enum, json: JsonValue, path: string): number {
  if (typeof json === "string") {
    const number = Object.hasOwn(type.values, json) ? type.values[json] : undefined;
    if (number === undefined) throw mismatch(path, `one of ${Object.keys(type.values).join(", ")}`, json);
    return number;
  }
  // A number that has no name is passed on: whoever handles the request refuses it as it does for other clients.
  if (typeof json !== "number") throw mismatch(path, `one of ${Object.keys(type.values).join(", ")}`, json);
  return readInteger(json, path, -(2n ** 31n), 2n ** 31n - 1n).toNumber();
}

/** Long of the right 64 bits; signedness does not matter for encoding. */
function readInteger(json: JsonValue, path: string, low: bigint, high: bigint): Long {
  const value = integerOf(json);
  if (value === undefined) throw mismatch(path, "an integer, as a number or a string", json);
  if (value < low || value > high) throw mismatch(path, `an integer from ${low} to ${high}`, json);
  return wireId(value);
}

function integerOf(json: JsonValue): bigint | undefined {
  if (typeof json === "bigint") return json;
  // A larger number has lost digits on its way here.
  if (typeof json === "number") return Number.isSafeInteger(json) ? BigInt(json) : undefined;
  return typeof json === "string" && /^-?\d{1,20}$/.test(json) ? BigInt(json) : undefined;
}

/** Base64 in either alphabet, with or without padding. */
function readBytes(json: JsonValue, path: string): Uint8Array {
  if (typeof json !== "string") throw mismatch(path, "bytes in base64", json);
  const digits = json.replace(/={1,2}$/, "");
  const padded = digits.length !== json.length;
  const shaped = digits.length % 4 !== 1 && (!padded || json.length % 4 === 0);
  if (!shaped || !(/^[A-Za-z0-9+/]*$/.test(digits) || /^[A-Za-z0-9_-]*$/.test(digits))) {
    throw mismatch(path, "bytes in base64", json);
  }
  return new Uint8Array(Buffer.from(digits, "base64")); // Node's decoder takes both alphabets
}

function mismatch(path: string, expected: string, given: JsonValue): JsonMappingError {
  return new JsonMappingError(path, `expected ${expected}, given ${describe(given)}`);
}

function describe(json: JsonValue): string {
  if (Array.isArray(json)) return "an array";
  if (typeof json === "object") return json === null ? "null" : "an object";
  const text = typeof json === "string" ? JSON.stringify(json) : String(json);
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
