import { relative } from "node:path";
import { voterCountAdvice } from "@quorate/config";
import Table from "cli-table3";
import type { ClusterProcess } from "./cluster-file";

/** What runs where. */
export function processTable(processes: readonly ClusterProcess[]): string {
  const table = new Table({
    head: ["NAME", "SERVICE", "STATUS", "PID", "WHERE"],
    style: { head: [], border: [], compact: true },
  });
  for (const { name, service, status, pid, clientUrl, url, memberId } of processes) {
    const where = clientUrl ?? url ?? (memberId === undefined ? "" : `member ${memberId}`);
    table.push([name, service, status, pid === undefined ? "-" : String(pid), where]);
  }
  return table.toString();
}

export interface SummaryOptions {
  readonly cluster: string;
  readonly dataDir: string;
  readonly clientUrls: readonly string[];
  readonly processes: readonly ClusterProcess[];
  readonly detached: boolean;
  /** The directory that commands will be typed in. */
  readonly cwd: string;
  /** Whether `dataDir` is what commands assume. */
  readonly isDefaultDataDir: boolean;
}

/** What is printed once the cluster works: where everything is, and what to try. */
export function summary(options: SummaryOptions): string {
  const relativePath = relative(options.cwd, options.dataDir);
  const dataDir = relativePath === "" || relativePath.startsWith("..") ? options.dataDir : relativePath;
  const flag = options.isDefaultDataDir ? "" : ` --data-dir ${dataDir}`;
  const endpoints = options.clientUrls.map((url) => new URL(url).host).join(",");
  const advice = voterCountAdvice(options.processes.filter(({ service }) => service === "raft-node").length);
  const stop = `npm run -s quorate -- dev stop${flag}`;
  return [
    `Cluster "${options.cluster}" is ready. Its data is in ${dataDir}, its logs in ${dataDir}/logs.`,
    processTable(options.processes),
    ...(advice === undefined ? [] : [`Note: ${advice.text}. ${advice.remedy}`]),
    "Try:",
    `  etcdctl --endpoints=${endpoints} put greeting hello`,
    `  npm run -s quorate -- get greeting${flag}`,
    `  npm run -s quorate -- dev kill n1${flag}`,
    options.detached ? `Stop it with: ${stop}` : "Stop it with Ctrl-C.",
  ].join("\n");
}
