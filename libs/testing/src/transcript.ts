import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

/** One command line of a transcript: `name positional key=value`. Values are words; there is no quoting. */
export interface TranscriptCommand {
  readonly name: string;
  readonly positional: readonly string[];
  readonly options: ReadonlyMap<string, string>;
  /** Where it stands, for error messages; the first line is 1. */
  readonly line: number;
}

/** Performs one command and tells what happened, as lines. No output is shown as "ok". */
export type TranscriptRunner = (command: TranscriptCommand) => string;

export interface TranscriptFile {
  readonly name: string;
  readonly path: string;
}

/** A transcript that cannot be run: a malformed block, or a command that its runner refuses. */
export class TranscriptError extends Error {
  override readonly name = "TranscriptError";

  constructor(message: string, line: number, options?: ErrorOptions) {
    super(`line ${line}: ${message}`, options);
  }
}

const SEPARATOR = "----";

/**
 * Runs a transcript and returns it with the output that the commands really gave.
 *
 * A transcript is a list of blocks with blank lines between them: command lines, `----`, and their output. Lines that
 * begin with `#` before a `----` are comments and are kept. What a passing test gets back is what it put in.
 *
 * @throws {TranscriptError} the text is malformed or a command failed.
 */
export function replayTranscript(text: string, run: TranscriptRunner): string {
  const lines = text.split("\n");
  const replayed: string[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at]!;
    at += 1;
    replayed.push(line);
    if (line === "" || line.startsWith("#")) continue;
    const output = [...runCommand(line, at, run)];
    while (at < lines.length && lines[at] !== SEPARATOR) {
      const next = lines[at]!;
      at += 1;
      if (next === "") throw new TranscriptError(`a block of commands ends in ${SEPARATOR}`, at);
      replayed.push(next);
      if (!next.startsWith("#")) output.push(...runCommand(next, at, run));
    }
    if (at === lines.length) throw new TranscriptError(`a block of commands ends in ${SEPARATOR}`, at);
    replayed.push(SEPARATOR, ...(output.length === 0 ? ["ok"] : output));
    while (at < lines.length && lines[at] !== "") at += 1; // the expected output, replaced by the real one
  }
  return replayed.join("\n");
}

/**
 * Runs the transcript in a file, for `expect(actual).toBe(expected)`. With `UPDATE_TRANSCRIPTS=1` in the environment the
 * file is rewritten with the actual output: review the difference like code.
 */
export function runTranscript(
  path: string,
  run: TranscriptRunner,
): { readonly expected: string; readonly actual: string } {
  const text = readFileSync(path, "utf8");
  const actual = replayTranscript(text, run);
  if (process.env["UPDATE_TRANSCRIPTS"] !== "1") return { expected: text, actual };
  if (actual !== text) writeFileSync(path, actual);
  return { expected: actual, actual };
}

/** The transcripts (`*.txt`) of a directory, by name. */
export function transcriptsIn(directory: string): TranscriptFile[] {
  return readdirSync(directory)
    .filter((file) => file.endsWith(".txt"))
    .sort()
    .map((file) => ({ name: basename(file, ".txt"), path: join(directory, file) }));
}

/** @throws {TranscriptError} a key is given twice. */
export function parseCommand(text: string, line: number): TranscriptCommand {
  const [name = "", ...words] = text.trim().split(/\s+/);
  const positional: string[] = [];
  const options = new Map<string, string>();
  for (const word of words) {
    const equals = word.indexOf("=");
    if (equals <= 0) {
      positional.push(word);
      continue;
    }
    const key = word.slice(0, equals);
    if (options.has(key)) throw new TranscriptError(`${key} is given twice`, line);
    options.set(key, word.slice(equals + 1));
  }
  return { name, positional, options, line };
}

/** A blank line would end the block when the file is read again, so blank lines of output are left out. */
function runCommand(text: string, line: number, run: TranscriptRunner): string[] {
  const command = parseCommand(text, line);
  try {
    return run(command)
      .split("\n")
      .filter((output) => output !== "");
  } catch (cause) {
    throw new TranscriptError(`${text}: ${String(cause)}`, line, { cause });
  }
}
