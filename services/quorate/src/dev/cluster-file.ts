import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ServiceName } from "./process-plan";

/** "restarting": it ended by itself and is about to be started again; "failed": that was given up. */
export type ProcessStatus = "running" | "paused" | "killed" | "restarting" | "failed";

/** What runs where, kept in `cluster.json` of the data directory for other commands, scripts and tests. */
export interface ClusterFile {
  readonly cluster: string;
  readonly natsUrl: string;
  readonly processes: readonly ClusterProcess[];
  /** Absent once everything was stopped. */
  readonly supervisor?: { readonly pid: number; readonly control: string };
}

export interface ClusterProcess {
  readonly service: ServiceName;
  readonly name: string;
  readonly memberId?: string;
  /** Absent while it does not run. */
  readonly pid?: number;
  readonly clientUrl?: string;
  readonly url?: string;
  readonly status: ProcessStatus;
  /** The command line, by which a process that outlived its supervisor is recognised. */
  readonly command: readonly string[];
}

/** Readers see the old file or the new one, never half of it. */
export function writeClusterFile(dataDir: string, file: ClusterFile): void {
  const path = clusterFilePath(dataDir);
  writeFileSync(`${path}.tmp`, `${JSON.stringify(file, null, 2)}\n`);
  renameSync(`${path}.tmp`, path);
}

/** @returns `undefined` if there is none, or none that can be read. */
export function readClusterFile(dataDir: string): ClusterFile | undefined {
  try {
    return JSON.parse(readFileSync(clusterFilePath(dataDir), "utf8")) as ClusterFile;
  } catch {
    return undefined;
  }
}

function clusterFilePath(dataDir: string): string {
  return join(dataDir, "cluster.json");
}
