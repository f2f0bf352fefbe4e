import { seededPrng } from "@quorate/base";

import { checkRun } from "../checkers/check-run";
import { checkEffort } from "../checkers/effort";
import { isOk } from "../checkers/history";
import type { RecordedRun } from "../checkers/recorded-run";
import { NotCheckedError } from "../checkers/violation";
import { LinkedCluster } from "../harness/linked-cluster";
import { ClusterHistory } from "../workloads/cluster-history";
import { exitViolations } from "./exit-violations";
import { keepFailure } from "./failure-folder";
import type { Scene } from "./nemesis";
import { type Fault, NODE_FLAGS, nodeEnvironment } from "./nemeses";
import { CALL_TIMEOUT_MS, RoundLoads, type Workload } from "./round-loads";
import { runSchedule } from "./schedule";

export interface Topology {
  readonly members: number;
  readonly brokers: number;
}

export interface RoundOptions {
  readonly seed: number;
  readonly seconds: number;
  readonly workloads: readonly Workload[];
  readonly faults: readonly Fault[];
  readonly topology: Topology;
  readonly faultMsMax: number;
  readonly inTurn?: boolean;
  /** Repeats this round. */
  readonly command: string;
}

export interface RoundReport {
  readonly kind: "kept" | "broken" | "not checked";
  /** One line, or the violations. */
  readonly text: string;
  readonly operations: number;
  readonly unknown: number;
  readonly faults: number;
}

const GATEWAYS = 3;
const FANOUTS = 2;

/**
 * One round: a fresh cluster, loads, faults, and everything that was recorded put to all checkers.
 *
 * @param note Told what happens, for people.
 */
export async function runRound(options: RoundOptions, note: (line: string) => void): Promise<RoundReport> {
  const journal: string[] = [];
  const from = performance.now();
  const noted = (line: string): void => {
    journal.push(`${((performance.now() - from) / 1000).toFixed(1)} s ${line}`);
    note(journal.at(-1)!);
  };
  const { members, brokers } = options.topology;
  await using cluster = await LinkedCluster.start({
    ...{ members, brokers, gateways: GATEWAYS, fanouts: FANOUTS },
    nodeFlags: NODE_FLAGS,
    environmentOf: (membersDir, name) => nodeEnvironment(options.faults, membersDir, name),
  });
  noted("the cluster runs");
  const title = `chaos ${options.workloads.join(" ")}`;
  const { seed } = options;
  await using history = await ClusterHistory.start({ title, seed, timeoutMs: CALL_TIMEOUT_MS }, cluster);
  const loads = await RoundLoads.start(options.workloads, { cluster, history, prng: seededPrng(seed + 1) });
  noted("the loads run");
  const scene: Scene = { cluster, prng: seededPrng(seed), compact: () => history.compact() };
  const problems: string[] = [];
  let run: RecordedRun | undefined;
  let done: ReadonlyMap<Fault, number> = new Map();
  let vacuous: string | undefined;
  try {
    const schedule = {
      faults: options.faults,
      durationMs: options.seconds * 1000,
      faultMsMax: options.faultMsMax,
      inTurn: options.inTurn ?? false,
    };
    done = await runSchedule(schedule, scene, { note: noted, whole: () => loads.renew() });
    noted("everything is whole: comes to rest");
    await loads.stop();
    run = await history.collected();
    noted("everything is collected");
    problems.push(...loads.violations(run), ...exitViolations(cluster, done));
    const verdicts = checkRun(run);
    for (const { checker, kind, text } of verdicts)
      if (kind === "broken") problems.push(`${checker}: ${text}`);
    const unchecked = verdicts.find(({ kind }) => kind === "not checked");
    if (unchecked !== undefined) throw new NotCheckedError(`${unchecked.checker}: ${unchecked.text}`);
    const effort = effortOf(options, run, {
      ...loads.counts(run),
      faults: { seen: sumOf(done), min: 1 },
      "watch events": { seen: history.watchEvents, min: 50 },
      "watches that were broken": { seen: history.watchesBroken, min: 0 },
    });
    if (problems.length === 0) return { kind: "kept", text: effort, ...figures(run, done) };
  } catch (error) {
    if (error instanceof NotCheckedError) vacuous = error.message;
    else problems.push(described(error));
    await loads.abandon();
  }
  const kind = problems.length > 0 ? "broken" : "not checked";
  if (vacuous !== undefined) problems.push(vacuous);
  const kept = keepFailure({ cluster, run, journal, problems, command: options.command });
  const text = [...problems, `Everything is kept in ${kept}`, `Again: ${options.command}`].join("\n");
  return { kind, text, ...figures(run, done) };
}

function effortOf(
  options: RoundOptions,
  run: RecordedRun,
  counts: Readonly<Record<string, { readonly seen: number; readonly min: number }>>,
): string {
  const times = run.operations.filter(isOk).map(({ returnedAt }) => returnedAt);
  const from = times.reduce((low, time) => Math.min(low, time), Infinity);
  const to = times.reduce((high, time) => Math.max(high, time), -Infinity);
  const calmTo = Math.min(to, from + 4000);
  const after = Math.max(from, to - 4000);
  const isRecorded = options.workloads.some((name) => ["register", "txn", "list-append"].includes(name));
  return checkEffort({
    operations: run.operations,
    phases: isRecorded
      ? [
          { name: "before", from, to: calmTo, operationsPerSecondMin: 5 },
          { name: "altogether", from, to, operationsPerSecondMin: 2 },
          { name: "in the end", from: after, to: to + 1, operationsPerSecondMin: 1 },
        ]
      : [],
    durationMsMin: Math.min(8000, options.seconds * 500),
    counts,
  });
}

function figures(
  run: RecordedRun | undefined,
  done: ReadonlyMap<Fault, number>,
): Omit<RoundReport, "kind" | "text"> {
  const operations = run?.operations ?? [];
  const unknown = operations.filter(({ outcome }) => outcome.kind === "unknown").length;
  return { operations: operations.length, unknown, faults: sumOf(done) };
}

function sumOf(counts: ReadonlyMap<unknown, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

function described(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : ` (${described(error.cause)})`;
  return `${error.name}: ${error.message}${cause}`;
}
