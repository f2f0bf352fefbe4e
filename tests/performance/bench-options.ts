import { parseArgs } from "node:util";

import type { Operation } from "./load";

export const targetNames = ["quorate-grpc", "quorate-native", "etcd"] as const;
/** Measured only if asked for: Quorate over gRPC with event subjects, a cluster of its own. */
export const optionalTargetNames = ["quorate-events"] as const;
export type TargetName = (typeof targetNames)[number] | (typeof optionalTargetNames)[number];

const operations: readonly Operation[] = ["put", "get"];
const callerCounts = [1, 100, 1000];

export interface BenchOptions {
  readonly rounds: number;
  /** Of each cell in each round. */
  readonly seconds: number;
  readonly targets: readonly TargetName[];
  readonly operations: readonly Operation[];
  readonly callers: readonly number[];
  /** Where to write the figures as JSON. */
  readonly jsonPath: string | undefined;
}

export const usage = `Compares Quorate with a three-member etcd.

  --rounds N      times that everything is measured, in turn (3)
  --seconds N     length of one measurement (3)
  --only WORDS    of ${[...targetNames, ...optionalTargetNames].join(", ")}; put, get; ${callerCounts.join(", ")} (callers); separated by commas
  --json FILE     also write the figures to a file`;

/** @throws {TypeError} An option is unknown or makes no sense; the message is for the user. */
export function parseBenchOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: "string", default: "3" },
      seconds: { type: "string", default: "3" },
      only: { type: "string", default: "" },
      json: { type: "string" },
    },
  });
  const words = values.only.split(",").filter((word) => word !== "");
  const known = new Set<string>([
    ...targetNames,
    ...optionalTargetNames,
    ...operations,
    ...callerCounts.map(String),
  ]);
  const unknown = words.find((word) => !known.has(word));
  if (unknown !== undefined) throw new TypeError(`--only: "${unknown}" is none of ${[...known].join(", ")}`);
  return {
    rounds: positive("--rounds", values.rounds),
    seconds: positive("--seconds", values.seconds),
    targets: chosenTargets(words),
    operations: chosen(operations, words),
    callers: chosen(callerCounts, words),
    jsonPath: values.json,
  };
}

function chosenTargets(words: readonly string[]): readonly TargetName[] {
  const asked = optionalTargetNames.filter((name) => words.includes(name));
  const usual = targetNames.filter((name) => words.includes(name));
  return asked.length + usual.length === 0 ? targetNames : [...usual, ...asked];
}

/** Those of one kind that the words name, or all if they name none of that kind. */
function chosen<T extends string | number>(all: readonly T[], words: readonly string[]): readonly T[] {
  const named = all.filter((one) => words.includes(`${one}`));
  return named.length === 0 ? all : named;
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value))
    throw new TypeError(`${option} needs a number above 0, not "${text}"`);
  return value;
}
