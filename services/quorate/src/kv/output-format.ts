import Table from "cli-table3";
import { usageError } from "../command-error";

/**
 * "simple" is for people and pipes, "json" and "fields" are for scripts (as etcdctl writes them, bytes in base64 in JSON),
 * "table" is for looking around.
 */
export type OutputFormat = "simple" | "json" | "fields" | "table";

const FORMATS: readonly string[] = ["simple", "json", "fields", "table"] satisfies OutputFormat[];

/** @throws {CommandError} */
export function parseOutputFormat(text = "simple"): OutputFormat {
  if (FORMATS.includes(text)) return text as OutputFormat;
  throw usageError(`-w "${text}" is none of ${FORMATS.join(", ")}.`);
}

export type Json = string | number | bigint | boolean | null | undefined | readonly Json[] | JsonObject;

export interface JsonObject {
  readonly [name: string]: Json;
}

/** Fields that are `undefined` are left out. 64-bit ids are bare numbers, as Go writes them: not every reader keeps them whole. */
export function jsonLine(value: Json): Uint8Array {
  return textLine(jsonText(value));
}

function jsonText(value: Json): string {
  if (typeof value === "bigint") return value.toString();
  if (value === null || typeof value !== "object") return JSON.stringify(value ?? null);
  if (isList(value)) return `[${value.map(jsonText).join(",")}]`;
  const fields = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return `{${fields.map(([name, inner]) => `${JSON.stringify(name)}:${jsonText(inner)}`).join(",")}}`;
}

/** Leaves out what is zero, empty or absent, as Go's `omitempty` does. */
export function withoutZeros(fields: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => !isZero(value)));
}

function isZero(value: Json): boolean {
  return (
    value === undefined ||
    value === 0 ||
    value === 0n ||
    value === "" ||
    value === false ||
    isEmptyList(value)
  );
}

function isEmptyList(value: Json): boolean {
  return isList(value) && value.length === 0;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

export type Field = readonly [name: string, value: string | number | bigint | boolean];

/** A line per field; text is quoted. */
export function fieldLines(fields: readonly Field[]): Uint8Array {
  return Buffer.from(fields.map(([name, value]) => `"${name}" : ${fieldText(value)}\n`).join(""), "utf8");
}

function fieldText(value: Field[1]): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

export function textLine(text: string): Uint8Array {
  return Buffer.from(`${text}\n`, "utf8");
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): Uint8Array {
  const rendered = new Table({ head: [...head], style: { head: [], border: [], compact: true } });
  for (const row of rows) rendered.push([...row]);
  return textLine(rendered.toString());
}
