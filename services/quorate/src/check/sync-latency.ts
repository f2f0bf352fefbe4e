import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { fileSystemOf } from "@quorate/config";
import { messageOf } from "../command-error";
import { failure, ok, warning, type Finding } from "./finding";

/** As much as etcd's own advice for disks writes at a time (its documentation on hardware names fio with 2300 bytes). */
const BLOCK_BYTES = 2300;
const SYNCS_MAX = 500;
/** Above it heartbeats and elections suffer: etcd's documentation names 10 ms as well. */
const P99_MS_MAX = 10;

/** @param forMs How long to write at the most, in milliseconds. */
export function checkSyncLatency(dataDir: string, forMs: number): Finding {
  const path = join(fileSystemOf(dataDir).path, `.quorate-check-${process.pid}`);
  try {
    const times = measure(path, forMs);
    const [median, p99] = [quantile(times, 0.5), quantile(times, 0.99)];
    const text = `${p99.toFixed(1)} ms at the 99th percentile, ${median.toFixed(1)} ms in the middle, of ${times.length} syncs`;
    if (p99 <= P99_MS_MAX) return ok("sync latency", text);
    return warning("sync latency", {
      text: `${text}: every write waits for one, and a leader whose disk hangs hands over`,
      remedy: `Use a disk that syncs within ${P99_MS_MAX} ms, and share it with nobody; or look again when it is quiet.`,
    });
  } catch (error) {
    return failure("sync latency", {
      text: messageOf(error),
      remedy: "See whether the disk is full, or broken.",
    });
  } finally {
    rmSync(path, { force: true });
  }
}

/** @returns How long each sync took, sorted, in milliseconds. */
function measure(path: string, forMs: number): number[] {
  const file = openSync(path, "wx", 0o600);
  try {
    const block = Buffer.alloc(BLOCK_BYTES, 0x51);
    const times: number[] = [];
    const until = performance.now() + forMs;
    do {
      writeSync(file, block);
      const from = performance.now();
      fdatasyncSync(file);
      times.push(performance.now() - from);
    } while (times.length < SYNCS_MAX && performance.now() < until);
    return times.sort((a, b) => a - b);
  } finally {
    closeSync(file);
  }
}

function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!;
}
