import type { Headers } from "@quorate/transport";

/** How a request is written, and its answer with it. */
export type ContentType = "protobuf" | "json";

const CONTENT_TYPES: Readonly<Record<string, ContentType>> = {
  "application/json": "json",
  "application/protobuf": "protobuf",
  "application/x-protobuf": "protobuf",
};

/** What may be asked for, for error texts. */
export const CONTENT_TYPE_NAMES = Object.keys(CONTENT_TYPES).join(", ");

/** Protobuf unless the headers say otherwise; `undefined` for a type that is not known here. */
export function contentTypeOf(headers: Headers | undefined): ContentType | undefined {
  const value = headerOf(headers, "content-type");
  if (value === undefined) return "protobuf";
  return CONTENT_TYPES[value.split(";", 1)[0]!.trim().toLowerCase()];
}

/** The value of a header whose name is compared without regard to case: clients differ in how they write it. */
export function headerOf(headers: Headers | undefined, lowerCaseName: string): string | undefined {
  if (headers === undefined) return undefined;
  for (const name in headers) if (name.toLowerCase() === lowerCaseName) return headers[name];
  return undefined;
}
