import { createHash } from "node:crypto";
import { stringify } from "yaml";

/** The chart refuses its values. */
export class ChartFailure extends Error {
  override readonly name = "ChartFailure";
}

type TemplateFunction = (...args: readonly unknown[]) => unknown;

/** Go's and Helm's functions that the chart uses, with the meaning that they have there. `include` is the renderer's. */
export const TEMPLATE_FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  and: (...args) => args.find((arg) => !isTrue(arg)) ?? args.at(-1),
  or: (...args) => args.find(isTrue) ?? args.at(-1),
  not: (arg) => !isTrue(arg),
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  lt: (a, b) => numberOf(a) < numberOf(b),
  gt: (a, b) => numberOf(a) > numberOf(b),
  add: (...args) => args.map(numberOf).reduce((sum, each) => sum + each, 0),
  int: (arg) => Math.trunc(numberOf(arg)),
  until: (count) => Array.from({ length: numberOf(count) }, (_, at) => at),
  list: (...args) => args,
  append: (list, item) => [...(list as readonly unknown[]), item],
  dict: (...args) =>
    Object.fromEntries(args.flatMap((key, at) => (at % 2 === 0 ? [[key as string, args[at + 1]]] : []))),
  join: (separator, list) => (list as readonly unknown[]).map(printed).join(separator as string),
  contains: (part, text) => (text as string).includes(part as string),
  default: (fallback, given) => (isTrue(given) ? given : fallback),
  ternary: (yes, no, test) => (isTrue(test) ? yes : no),
  toString: printed,
  quote: (arg) => JSON.stringify(printed(arg)),
  trunc: (length, text) => (text as string).slice(0, numberOf(length)),
  trimSuffix: (suffix, text) =>
    (text as string).endsWith(suffix as string)
      ? (text as string).slice(0, -(suffix as string).length)
      : text,
  nindent: (spaces, text) =>
    `\n${" ".repeat(numberOf(spaces))}${(text as string).replaceAll("\n", `\n${" ".repeat(numberOf(spaces))}`)}`,
  printf: (format, ...args) => {
    const left = [...args];
    return (format as string).replace(/%[sd]/g, () => printed(left.shift()));
  },
  sha256sum: (text) =>
    createHash("sha256")
      .update(text as string)
      .digest("hex"),
  toYaml: (value) => stringify(value, { sortMapEntries: true, indentSeq: false, lineWidth: 0 }).trimEnd(),
  fail: (message) => {
    throw new ChartFailure(message as string);
  },
};

/** Go takes what is empty for false. */
export function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === "object" && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}

/** @throws {Error} for what Go would print in a way that nobody wants in a manifest. */
export function printed(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean")
    return String(value);
  throw new Error(`a template prints ${JSON.stringify(value)}`);
}

function numberOf(value: unknown): number {
  if (typeof value !== "number") throw new Error(`${JSON.stringify(value)} stands where a number is needed`);
  return value;
}
