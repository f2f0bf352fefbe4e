import {
  between,
  exactly,
  prefix,
  startingAt,
  type KeyRange,
  type RangeOptions,
  type SortTarget,
} from "@quorate/client";
import { usageError } from "../command-error";

export interface KeyFlags {
  readonly prefix?: boolean;
  readonly fromKey?: boolean;
  readonly rangeEnd?: string;
}

export interface GetFlags extends KeyFlags {
  readonly rev?: string;
  readonly limit?: string;
  readonly keysOnly?: boolean;
  readonly countOnly?: boolean;
  readonly sortBy?: string;
  readonly order?: string;
  readonly consistency?: string;
}

const SORT_TARGETS: Readonly<Record<string, SortTarget>> = {
  CREATE: "create",
  KEY: "key",
  MODIFY: "mod",
  VALUE: "value",
  VERSION: "version",
};

/** @throws {CommandError} More than one way to name a range was used. */
export function keyRange(key: string, flags: KeyFlags): KeyRange {
  const ways = [flags.prefix === true, flags.fromKey === true, flags.rangeEnd !== undefined].filter(Boolean);
  if (ways.length > 1) throw usageError("--prefix, --from-key and --range-end exclude one another.");
  if (flags.prefix === true) return prefix(key);
  if (flags.fromKey === true) return startingAt(key);
  if (key === "") throw usageError("The key is empty: use --prefix for all keys.");
  return flags.rangeEnd === undefined ? exactly(key) : between(key, flags.rangeEnd);
}

/** @throws {CommandError} A value is not one of those allowed. */
export function rangeOptions(flags: GetFlags): RangeOptions {
  if (flags.keysOnly === true && flags.countOnly === true) {
    throw usageError("--keys-only and --count-only exclude one another.");
  }
  const sortBy = flags.sortBy === undefined ? undefined : SORT_TARGETS[flags.sortBy.toUpperCase()];
  if (flags.sortBy !== undefined && sortBy === undefined) {
    throw usageError(`--sort-by "${flags.sortBy}" is none of ${Object.keys(SORT_TARGETS).join(", ")}.`);
  }
  const order = orderOf(flags.order);
  return {
    revision: wholeNumber("--rev", flags.rev),
    limit: wholeNumber("--limit", flags.limit),
    keysOnly: flags.keysOnly ?? false,
    countOnly: flags.countOnly ?? false,
    serializable: isSerializable(flags.consistency),
    ...(sortBy === undefined ? {} : { sortBy }),
    ...(order === undefined ? {} : { order }),
  };
}

function orderOf(text: string | undefined): RangeOptions["order"] {
  switch (text?.toUpperCase()) {
    case undefined:
      return undefined;
    case "ASCEND":
      return "ascending";
    case "DESCEND":
      return "descending";
    default:
      throw usageError(`--order "${text ?? ""}" is neither ASCEND nor DESCEND.`);
  }
}

function isSerializable(consistency = "l"): boolean {
  if (consistency !== "l" && consistency !== "s") {
    throw usageError(`--consistency "${consistency}" is neither l (linearizable) nor s (serializable).`);
  }
  return consistency === "s";
}

export function wholeNumber(flag: string, text: string | undefined): number {
  if (text === undefined) return 0;
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value))
    throw usageError(`${flag} "${text}" is not a whole number.`);
  return value;
}
