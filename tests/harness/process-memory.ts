import { readFileSync, writeFileSync } from "node:fs";

/** The most resident memory that a running process has had, in MiB, since its start or since `forgetPeakMemory`. Linux only. */
export function peakMemoryMib(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
}

/** Has Linux note the peak anew. */
export function forgetPeakMemory(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
}
