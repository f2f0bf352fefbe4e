import { randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { EMPTY_RUN, type RecordedRun } from "./recorded-run";

const FORMAT = "quorate history 1";

/** A text that is not the history of a run. */
export class HistoryFormatError extends Error {
  override readonly name = "HistoryFormatError";
}

/** What a run has many of: each gets a line of its own. A log has a line for each change, with the number of the log. */
const LISTS = ["operations", "watches", "leases", "hashes", "appliedAt", "contents"] as const;

/** A run as JSON lines: the first says what it is, each further one is an operation, a change, a watcher, … */
export function historyLines(run: RecordedRun): string {
  const { title, prefixes, listPrefix, compactRevision } = run;
  const lines: unknown[] = [
    {
      format: FORMAT,
      title,
      prefixes,
      listPrefix,
      compactRevision,
      logs: run.logs.length,
      contents: run.contents !== undefined,
    },
  ];
  for (const list of LISTS) for (const item of run[list] ?? []) lines.push({ [list]: item });
  run.logs.forEach((log, at) => log.forEach((change) => lines.push({ log: at, change })));
  return lines.map((line) => `${JSON.stringify(line, withInfinity)}\n`).join("");
}

/** @throws {HistoryFormatError} The text is no such history, or breaks off in a line. */
export function parseHistory(text: string): RecordedRun {
  const [head, ...lines] = text
    .split("\n")
    .filter((line) => line !== "")
    .map((line, at) => parsed(line, at + 1));
  if (head?.["format"] !== FORMAT)
    throw new HistoryFormatError(`Cannot read a history: it does not begin with "${FORMAT}"`);
  const lists: Record<string, unknown[]> = Object.fromEntries(LISTS.map((list) => [list, []]));
  const { format: _, logs: logCount, contents: hasContents, ...fields } = head;
  const logs: unknown[][] = Array.from({ length: Number(logCount) }, () => []);
  for (const [at, line] of lines.entries()) {
    const list = LISTS.find((name) => name in line);
    const log = logs[Number(line["log"])];
    if (list !== undefined) lists[list]!.push(line[list]);
    else if (log !== undefined && "change" in line) log.push(line["change"]);
    else throw new HistoryFormatError(`Cannot read line ${at + 2} of a history: ${JSON.stringify(line)}`);
  }
  const { contents, ...others } = lists;
  const rest = { ...fields, ...others, logs, ...(hasContents === true ? { contents } : {}) };
  // The format's number stands for the shape of what is inside.
  return { ...EMPTY_RUN, ...rest } as RecordedRun;
}

/** @throws {HistoryFormatError} @throws {Error} The file cannot be read. */
export function readHistory(path: string): RecordedRun {
  return parseHistory(readFileSync(path, "utf8"));
}

/**
 * Keeps a run, in the folder that `QUORATE_HISTORIES` names, or one for temporary files.
 *
 * @returns The command that checks it again.
 */
export function keepHistory(run: RecordedRun): string {
  const folder = process.env["QUORATE_HISTORIES"] ?? join(tmpdir(), "quorate-histories");
  mkdirSync(folder, { recursive: true });
  const name = `${run.title.replaceAll(/[^a-z0-9]+/gi, "-")}-${randomUUID().slice(0, 8)}.jsonl`;
  const path = join(folder, name);
  writeFileSync(path, historyLines(run));
  return `node tests/dist/checkers/check-history.js ${path}`;
}

const INFINITY = "Infinity";

function withInfinity(_key: string, value: unknown): unknown {
  return value === Infinity ? INFINITY : value;
}

/** Only these two are ever infinite; a value of a key may well read "Infinity". */
const TIMES = ["returnedAt", "revokedAt"];

function parsed(line: string, number: number): Record<string, unknown> {
  try {
    return JSON.parse(line, (key, value: unknown) =>
      TIMES.includes(key) && value === INFINITY ? Infinity : value,
    ) as Record<string, unknown>;
  } catch (cause) {
    throw new HistoryFormatError(`Cannot read line ${number} of a history`, { cause });
  }
}
