import { textOf, utf8 } from "@quorate/base";
import {
  DecodeError,
  JsonMappingError,
  messageFromJson,
  messageToJson,
  parseJson,
  type JsonValue,
} from "@quorate/wire";
import { exactText } from "../engine/shape";
import { fuzzTarget, type FuzzTarget } from "../engine/fuzz-target";
import { samplesOf } from "./message-sample";

/** A request of each kind of field that the HTTP door maps: nested, repeated, enums, oneofs, 64 bits, bytes. */
const TYPES = ["TxnRequest", "RangeRequest", "WatchRequest", "LeaseGrantRequest", "AlarmRequest"].map(
  (name) => `etcdserverpb.${name}`,
);

const WORDS = [
  "{}",
  "[]",
  "null",
  "true",
  '"',
  "1e400",
  "-0",
  "9223372036854775808",
  "__proto__",
  "\\ud800",
  "{{",
  "[[",
];

function asJson(value: JsonValue): string {
  return JSON.stringify(value, (_, field: unknown) => (typeof field === "bigint" ? `${field}` : field));
}

function fromJson(type: string): FuzzTarget {
  return fuzzTarget({
    name: `json-${type.slice(type.indexOf(".") + 1)}`,
    decode: (input) => messageFromJson(type, parseJson(textOf(input))),
    declares: [SyntaxError, JsonMappingError],
    // What was understood is said again in its one form, which must be understood as the same.
    encode: (message) => utf8(asJson(messageToJson(type, message))),
    seeds: () => samplesOf(type).map((bytes) => utf8(asJson(messageToJson(type, bytes)))),
    dictionary: WORDS.map(utf8),
  });
}

function toJson(type: string): FuzzTarget {
  return fuzzTarget({
    name: `to-json-${type.slice(type.indexOf(".") + 1)}`,
    decode: (input) => messageToJson(type, input),
    declares: [DecodeError],
    skipsUnknownFields: true,
    seeds: () => samplesOf(type),
  });
}

export const jsonTargets: readonly FuzzTarget[] = [
  fuzzTarget({
    name: "json-text",
    decode: (input) => {
      const value = parseJson(textOf(input));
      exactText(value); // whoever walks over it must not run out of stack
      return value;
    },
    declares: [SyntaxError],
    seeds: () => [utf8('{"key":"YQ==","lease":9223372036854775807,"limit":"5","list":[1,-2.5e3,null,true]}')],
    dictionary: WORDS.map(utf8),
  }),
  ...TYPES.map(fromJson),
  toJson("etcdserverpb.TxnResponse"),
  toJson("etcdserverpb.WatchResponse"),
  toJson("etcdserverpb.StatusResponse"),
];
