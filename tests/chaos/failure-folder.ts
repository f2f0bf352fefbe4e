import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { historyLines } from "../checkers/history-file";
import type { RecordedRun } from "../checkers/recorded-run";
import type { LinkedCluster } from "../harness/linked-cluster";

/**
 * Keeps all that is left of a run that failed, in the folder `QUORATE_CHAOS`, or one for temporary files: what clients saw, what
 * was done to the processes, what they logged, and what is on their disks.
 *
 * @returns The folder of this run.
 */
export function keepFailure(failure: {
  readonly cluster: LinkedCluster;
  readonly run: RecordedRun | undefined;
  readonly journal: readonly string[];
  readonly problems: readonly string[];
  readonly command: string;
}): string {
  const { cluster, run, journal, problems, command } = failure;
  const parent = process.env["QUORATE_CHAOS"] ?? join(tmpdir(), "quorate-chaos");
  const folder = join(parent, new Date().toISOString().replaceAll(/[:.]/g, "-"));
  mkdirSync(folder, { recursive: true });
  cpSync(cluster.dataDir, join(folder, "cluster"), {
    recursive: true,
    // Sockets cannot be copied, and nothing of the kind is needed.
    filter: (path) => !path.endsWith(".sock"),
    errorOnExist: false,
  });
  writeFileSync(join(folder, "journal.txt"), `${journal.join("\n")}\n`);
  const check =
    run === undefined ? "" : `node tests/dist/checkers/check-history.js ${folder}/history.jsonl\n`;
  writeFileSync(join(folder, "README.txt"), `${problems.join("\n")}\n\n${command}\n${check}`);
  if (run !== undefined) writeFileSync(join(folder, "history.jsonl"), historyLines(run));
  return folder;
}
