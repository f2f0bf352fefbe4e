import { parseHexId } from "@quorate/base";
import {
  between,
  compare,
  exactly,
  operation,
  prefix,
  startingAt,
  type CompareOperator,
  type Condition,
  type KeyRange,
  type Operation,
  type TransactionPlan,
} from "@quorate/client";
import { usageError } from "../command-error";
import { quotedString, words } from "./txn-words";

/**
 * A transaction as etcdctl reads it: three blocks, each ended by an empty line, of conditions, of operations if they all
 * hold, and of operations if not.
 *
 * ```text
 * mod("lock") = "0"
 *
 * put lock "me"
 *
 * get lock
 * ```
 *
 * @throws {CommandError} A line is none of that; it is quoted.
 */
export function parseTransaction(text: string): TransactionPlan {
  const blocks: string[][] = [[]];
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() !== "") blocks.at(-1)!.push(line.trim());
    else blocks.push([]);
  }
  const [conditions = [], then = [], otherwise = [], ...rest] = blocks;
  const surplus = rest.flat()[0];
  if (surplus !== undefined) {
    throw usageError(`txn: "${surplus}" comes after the third block; an empty line ends a block.`);
  }
  return {
    conditions: conditions.map(parseCondition),
    then: then.map(parseOperation),
    otherwise: otherwise.map(parseOperation),
  };
}

const CONDITION = /^(\w+)\s*\(\s*(".*?(?<!\\)"|""|[^"()\s]+)\s*\)\s*(=|!=|<|>)\s*(.+)$/;

function parseCondition(line: string): Condition {
  const match = CONDITION.exec(line);
  if (match === null) throw usageError(`txn: "${line}" is not a condition like mod("key") = "0".`);
  const [, target, quotedKey, operator, quotedValue] = match;
  const key = quotedString(quotedKey!);
  const value = quotedString(quotedValue!.trim());
  return conditionOn(line, target!.toLowerCase(), key, operator as CompareOperator, value);
}

function conditionOn(
  line: string,
  target: string,
  key: string,
  operator: CompareOperator,
  value: string,
): Condition {
  switch (target) {
    case "ver":
    case "version":
      return compare.version(key, operator, wholeNumber(value, line));
    case "c":
    case "create":
      return compare.createRevision(key, operator, wholeNumber(value, line));
    case "m":
    case "mod":
      return compare.modRevision(key, operator, wholeNumber(value, line));
    case "val":
    case "value":
      return compare.value(key, operator, value);
    case "lease":
      return compare.lease(key, operator, hexNumber(value, line));
    default:
      throw usageError(`txn: "${target}" in "${line}" is none of version, create, mod, value and lease.`);
  }
}

function parseOperation(line: string): Operation {
  const [verb, ...rest] = words(line);
  const { flags, positional } = split(rest);
  const allowed = verb === undefined ? undefined : OPERATION_FLAGS[verb];
  if (allowed === undefined) throw usageError(`txn: "${line}" does not begin with put, get or del.`);
  const unknown = [...flags.keys()].find((flag) => !allowed.includes(flag));
  if (unknown !== undefined)
    throw usageError(`txn: --${unknown} in "${line}" is none of --${allowed.join(", --")}.`);
  return operationOf(line, verb!, positional, flags);
}

/** Flags that a value follows, as `--limit=5` or `--limit 5`. */
const VALUE_FLAGS = new Set(["lease", "limit", "rev"]);

function split(rest: readonly string[]): {
  readonly flags: Map<string, string>;
  readonly positional: string[];
} {
  const flags = new Map<string, string>();
  const positional: string[] = [];
  for (let at = 0; at < rest.length; at += 1) {
    const word = rest[at]!;
    const match = /^--([a-z-]+)(?:=(.*))?$/.exec(word);
    if (match === null) {
      positional.push(word);
      continue;
    }
    const [, name, value] = match;
    const takesNext = value === undefined && VALUE_FLAGS.has(name!);
    if (takesNext) at += 1;
    flags.set(name!, value ?? (takesNext ? (rest[at] ?? "") : "true"));
  }
  return { flags, positional };
}

const OPERATION_FLAGS: Readonly<Record<string, readonly string[]>> = {
  put: ["lease", "prev-kv"],
  get: ["prefix", "from-key", "limit", "rev", "keys-only", "count-only"],
  del: ["prefix", "from-key", "prev-kv"],
};

function operationOf(
  line: string,
  verb: string,
  [key, second, ...surplus]: readonly string[],
  flags: ReadonlyMap<string, string>,
): Operation {
  if (key === undefined) throw usageError(`txn: "${line}" names no key.`);
  if (surplus.length > 0) throw usageError(`txn: "${line}" has too many words; quote what contains spaces.`);
  if (verb === "put") {
    if (second === undefined) throw usageError(`txn: "${line}" names no value.`);
    const lease = hexNumber(flags.get("lease") ?? "0", line);
    return operation.put(key, second, { lease, previous: flags.has("prev-kv") });
  }
  const range = rangeOf(key, second, flags);
  if (verb === "del") return operation.deleteRange(range, { previous: flags.has("prev-kv") });
  return operation.range(range, {
    limit: wholeNumber(flags.get("limit") ?? "0", line),
    revision: wholeNumber(flags.get("rev") ?? "0", line),
    keysOnly: flags.has("keys-only"),
    countOnly: flags.has("count-only"),
  });
}

function rangeOf(key: string, end: string | undefined, flags: ReadonlyMap<string, string>): KeyRange {
  if (flags.has("prefix")) return prefix(key);
  if (flags.has("from-key")) return startingAt(key);
  return end === undefined ? exactly(key) : between(key, end);
}

function wholeNumber(text: string, line: string): number {
  const value = Number(text);
  if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw usageError(`txn: "${text}" in "${line}" is not a whole number.`);
  }
  return value;
}

function hexNumber(text: string, line: string): bigint {
  try {
    return parseHexId(text);
  } catch {
    throw usageError(`txn: "${text}" in "${line}" is not a lease id in hexadecimal.`);
  }
}
