import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { ClusterFile, ClusterProcess } from "./cluster-file";

const STOP_GRACE_MS = 5_000;
const POLL_MS = 50;

/**
 * Ends processes of `file` that outlived their supervisor (it was killed). A process counts only if its command line is
 * the recorded one: the system may have given its number to another by now.
 *
 * @returns The names of those that were ended.
 */
export async function endLeftovers(file: ClusterFile | undefined): Promise<string[]> {
  const leftovers = (file?.processes ?? []).filter(isAlive);
  for (const { pid } of leftovers) signal(pid, "SIGTERM");
  for (const { pid } of leftovers) signal(pid, "SIGCONT");
  for (let waited = 0; leftovers.some(isAlive) && waited < STOP_GRACE_MS; waited += POLL_MS)
    await delay(POLL_MS);
  for (const { pid } of leftovers.filter(isAlive)) signal(pid, "SIGKILL");
  return leftovers.map(({ name }) => name);
}

function isAlive(process: ClusterProcess): boolean {
  return (
    process.pid !== undefined &&
    process.command !== undefined &&
    commandLine(process.pid) === process.command.join(" ")
  );
}

/** The command line of a process, its parts joined by spaces; empty if there is none. */
function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replace(/\0$/, "").replaceAll("\0", " ");
  } catch {
    if (process.platform === "linux") return "";
    return spawnSync("ps", ["-ww", "-o", "command=", "-p", String(pid)], { encoding: "utf8" }).stdout.trim();
  }
}

function signal(pid: number | undefined, name: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(pid, name);
  } catch {
    // It ended in the meantime.
  }
}
