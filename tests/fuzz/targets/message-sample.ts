import { utf8 } from "@quorate/base";
import { Enum, Type, type Field } from "protobufjs/light";
import { findMessageType } from "../../../libs/wire/src/json-schema";

const DEPTH_MAX = 3;

/**
 * Encodings of the message `type` in which every field stands once with something in it. One for each member of a oneof, since only
 * the last of them would be read; and the empty message.
 *
 * @param type Full name: `etcdserverpb.TxnRequest`.
 */
export function samplesOf(type: string): readonly Uint8Array[] {
  const message = findMessageType(type);
  const variants = Math.max(
    1,
    ...message.oneofsArray.map(({ oneof }) => oneof.length),
    nestedVariants(message),
  );
  return Array.from({ length: variants }, (_, variant) =>
    message.encode(filled(message, variant, 0)).finish(),
  ).concat(new Uint8Array(0));
}

/** The longest oneof in the messages of its fields: `TxnRequest` has none, its operations do. */
function nestedVariants(message: Type): number {
  return Math.max(
    1,
    ...message.fieldsArray.map(({ resolvedType }) =>
      resolvedType instanceof Type
        ? Math.max(1, ...resolvedType.oneofsArray.map(({ oneof }) => oneof.length))
        : 1,
    ),
  );
}

function filled(type: Type, variant: number, depth: number): { [name: string]: unknown } {
  const message: { [name: string]: unknown } = {};
  for (const field of type.fieldsArray) {
    field.resolve();
    const { partOf } = field;
    if (partOf !== null && partOf.fieldsArray[variant % partOf.fieldsArray.length] !== field) continue;
    const value = valueOf(field, variant, depth);
    if (value === undefined) continue;
    message[field.name] = field.repeated ? [value, valueOf(field, variant + 1, depth)] : value;
  }
  return message;
}

function valueOf(field: Field, variant: number, depth: number): unknown {
  const { resolvedType } = field;
  if (resolvedType instanceof Enum) {
    const numbers = Object.values(resolvedType.values);
    return numbers[variant % numbers.length];
  }
  if (resolvedType instanceof Type)
    return depth < DEPTH_MAX ? filled(resolvedType, variant, depth + 1) : undefined;
  switch (field.type) {
    case "bytes":
      return utf8(`bytes ${field.name}`);
    case "string":
      return "_INBOX.text";
    case "bool":
      return true;
    default:
      return field.id + variant;
  }
}
