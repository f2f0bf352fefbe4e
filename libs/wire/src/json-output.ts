import { Enum, type Field, type Message, type Type } from "protobufjs/light";
import type Long from "long";
import { isOneofMember } from "./json-schema";
import type { JsonValue } from "./json";

/** The JSON of a message that reflection decoded. */
export function jsonOfMessage(type: Type, message: Message): { [name: string]: JsonValue } {
  const json: { [name: string]: JsonValue } = {};
  const values = message as unknown as Record<string, unknown>;
  for (const field of type.fieldsArray) {
    if (!Object.hasOwn(message, field.name)) continue; // absent, or left out because it is zero
    const value = values[field.name];
    if (field.repeated) {
      const items = value as unknown[];
      if (items.length > 0) json[field.name] = items.map((item) => jsonOfValue(field, item));
    } else if (isOneofMember(field) || !isEmptyBytes(value)) {
      json[field.name] = jsonOfValue(field, value);
    }
  }
  return json;
}

function jsonOfValue(field: Field, value: unknown): JsonValue {
  if (field.resolvedType instanceof Enum) {
    return field.resolvedType.valuesById[value as number] ?? (value as number);
  }
  if (field.resolvedType !== null) return jsonOfMessage(field.resolvedType, value as Message);
  if (value instanceof Uint8Array) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64");
  }
  // What is left are scalars that JSON knows, and 64-bit integers, which it can only hold as strings.
  return typeof value === "object" ? (value as Long).toString() : (value as JsonValue);
}

/** An `optional` field that was sent empty: the only empty value that decoding keeps. */
function isEmptyBytes(value: unknown): boolean {
  return value instanceof Uint8Array && value.length === 0;
}
