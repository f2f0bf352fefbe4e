import { checkRun } from "./check-run";
import { HistoryFormatError, readHistory } from "./history-file";

// `node tests/dist/checkers/check-history.js FILE…` checks kept histories again. Exit codes: 0 all promises kept, 1 one is
// broken, 2 something could not be checked or read.

const paths = process.argv.slice(2);
if (paths.length === 0) {
  process.stderr.write("Usage: node tests/dist/checkers/check-history.js FILE…\n");
  process.exitCode = 2;
}
for (const path of paths) process.exitCode = Math.max(Number(process.exitCode ?? 0), checked(path));

function checked(path: string): number {
  try {
    const run = readHistory(path);
    process.stdout.write(`${path}: ${run.title}, ${run.operations.length} operations\n`);
    const verdicts = checkRun(run);
    for (const { checker, kind, text } of verdicts) process.stdout.write(`${checker}: ${kind}. ${text}\n`);
    if (verdicts.some(({ kind }) => kind === "broken")) return 1;
    return verdicts.every(({ kind }) => kind === "kept") ? 0 : 2;
  } catch (error) {
    if (!(error instanceof HistoryFormatError) && !(error as NodeJS.ErrnoException).code) throw error;
    process.stderr.write(`${path}: ${(error as Error).message}\n`);
    return 2;
  }
}
