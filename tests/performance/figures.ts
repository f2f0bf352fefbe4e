import type { TargetName } from "./bench-options";
import type { LoadResult, Operation } from "./load";
import { textTable } from "./text-table";

/** All results of one target, operation and number of callers: one per round. */
export interface Cell {
  readonly target: TargetName;
  readonly operation: Operation;
  readonly callers: number;
  readonly results: readonly LoadResult[];
}

/** The middle of each figure over the rounds. */
export interface Figures {
  readonly callsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failures: number;
  readonly generatorCores: number;
}

export function figuresOf({ results }: Cell): Figures {
  return {
    callsPerSecond: median(results.map(({ callsPerSecond }) => callsPerSecond)),
    p50Ms: median(results.map(({ latency }) => latency.p50)),
    p99Ms: median(results.map(({ latency }) => latency.p99)),
    failures: results.reduce((sum, { failures }) => sum + failures, 0),
    generatorCores: median(results.map(({ generatorCores }) => generatorCores)),
  };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** The cells as a table for people; the last column is the rate in relation to etcd's, where that was measured. */
export function figuresTable(cells: readonly Cell[]): string {
  const head = [
    "operation",
    "callers",
    "target",
    "calls/s",
    "p50 ms",
    "p99 ms",
    "failures",
    "gen. cores",
    "vs. etcd",
  ];
  const rows = cells.map((cell) => {
    const { callsPerSecond, p50Ms, p99Ms, failures, generatorCores } = figuresOf(cell);
    const rival = cells.find(
      ({ target, operation, callers }) =>
        target === "etcd" &&
        operation === cell.operation &&
        callers === cell.callers &&
        cell.target !== "etcd",
    );
    const ratio =
      rival === undefined ? "" : `${(callsPerSecond / figuresOf(rival).callsPerSecond).toFixed(2)}x`;
    return [
      cell.operation,
      `${cell.callers}`,
      cell.target,
      Math.round(callsPerSecond).toLocaleString("en-US"),
      p50Ms.toFixed(2),
      p99Ms.toFixed(2),
      `${failures}`,
      generatorCores.toFixed(2),
      ratio,
    ];
  });
  return textTable(head, rows, ["operation", "target"]);
}
