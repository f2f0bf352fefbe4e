import { readdirSync, readFileSync } from "node:fs";
import type { MetricRegistry } from "./metric-registry";

/** What dashboards show of any process, under the names that Prometheus's own client libraries use. */
export function registerProcessMetrics(registry: MetricRegistry): void {
  registry.observe("counter", "process_cpu_seconds_total", "Processor time spent, in seconds.", () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  registry.observe("gauge", "process_resident_memory_bytes", "Resident memory, in bytes.", () =>
    process.memoryUsage.rss(),
  );
  const startSeconds = Date.now() / 1000 - process.uptime();
  registry.observe(
    "gauge",
    "process_start_time_seconds",
    "When the process started, in seconds since 1970.",
    () => startSeconds,
  );
  registry.observe("gauge", "process_open_fds", "Open file descriptors.", openDescriptors);
  registry.observe("gauge", "process_max_fds", "The most file descriptors that may be open.", maxDescriptors);
  registry.observe("gauge", "nodejs_heap_size_used_bytes", "JavaScript heap in use, in bytes.", () => {
    return process.memoryUsage().heapUsed;
  });
  registry.observe("gauge", "nodejs_version_info", "The version of Node.", () => [
    { labels: { version: process.version }, value: 1 },
  ]);
}

/** Undefined where there is no /proc. */
function openDescriptors(): number | undefined {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return undefined;
  }
}

function maxDescriptors(): number | undefined {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}
