import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";

import { run } from "../harness/child-process";
import { EtcdServer, findProgram } from "../harness/etcd-server";
import { QuorateCluster } from "../harness/quorate-cluster";
import { nodeExecutable } from "../harness/repository";
import { parseBenchOptions, usage, type BenchOptions, type TargetName } from "./bench-options";
import { figuresOf, figuresTable, type Cell } from "./figures";
import type { LoadOptions, LoadResult, Operation } from "./load";
import type { TargetAddress } from "./load-target";

const keyCount = 10_000;
const valueBytes = 256;
const warmUpSeconds = 0.5;
/** Starting the load generator, per measurement. */
const overheadSeconds = 0.6;
const common = { warmUpSeconds, keyCount, valueBytes };

async function main(): Promise<void> {
  const options = withoutMissingEtcd(parseBenchOptions(process.argv.slice(2)));
  await using cleanUp = new AsyncDisposableStack();
  const targets = await startTargets(options, cleanUp);
  const cells = cellsOf(options);
  const seconds = cells.length * options.rounds * (options.seconds + warmUpSeconds + overheadSeconds);
  progress(`${cells.length} measurements in ${options.rounds} rounds, about ${Math.ceil(seconds)} s`);
  // Both doors of Quorate lead to one store.
  const stores = [...targets].filter(([name]) => name !== "quorate-native" || !targets.has("quorate-grpc"));
  for (const [, target] of stores) {
    await generateLoad({ ...common, target, operation: "fill", callers: 100, seconds: 0, seed: 1 });
  }
  for (let round = 0; round < options.rounds; round += 1) await measureRound(round, cells, targets, options);
  report(cells, options);
}

type MutableCell = Cell & { readonly results: LoadResult[] };

/** Targets are neighbours in the order of measurement, so that a change of the machine's mood hits all alike. */
function cellsOf(options: BenchOptions): MutableCell[] {
  return options.operations.flatMap((operation: Operation) =>
    options.callers.flatMap((callers) =>
      options.targets.map((target) => ({ target, operation, callers, results: [] })),
    ),
  );
}

async function measureRound(
  round: number,
  cells: readonly MutableCell[],
  targets: ReadonlyMap<TargetName, TargetAddress>,
  options: BenchOptions,
): Promise<void> {
  // Every second round goes backwards: no target always comes after the same other one.
  for (const cell of round % 2 === 0 ? cells : cells.toReversed()) {
    const result = await generateLoad({
      ...common,
      target: targets.get(cell.target) as TargetAddress,
      operation: cell.operation,
      callers: cell.callers,
      seconds: options.seconds,
      seed: round + 1,
    });
    cell.results.push(result);
    const rate = Math.round(result.callsPerSecond);
    progress(
      `round ${round + 1}/${options.rounds}  ${cell.operation} ${cell.callers} ${cell.target}: ${rate}/s`,
    );
  }
}

async function startTargets(
  options: BenchOptions,
  cleanUp: AsyncDisposableStack,
): Promise<ReadonlyMap<TargetName, TargetAddress>> {
  const targets = new Map<TargetName, TargetAddress>();
  if (options.targets.includes("etcd")) {
    progress("starting three members of etcd");
    const etcd = cleanUp.use(await EtcdServer.start(3));
    // The leader's own address is etcd's best case: the others would only forward.
    targets.set("etcd", { door: "grpc", address: await etcd.leaderAddress() });
  }
  if (options.targets.includes("quorate-events")) {
    progress("starting three members of Quorate with event subjects");
    const events = cleanUp.use(await QuorateCluster.start({ members: 3, eventSubjects: "on" }));
    targets.set("quorate-events", { door: "grpc", address: events.address() });
  }
  if (options.targets.some((name) => name === "quorate-grpc" || name === "quorate-native")) {
    progress("starting three members of Quorate");
    const quorate = cleanUp.use(await QuorateCluster.start({ members: 3, eventSubjects: "off" }));
    const native: TargetAddress = { door: "native", brokerUrl: quorate.brokerUrl, cluster: quorate.name };
    if (options.targets.includes("quorate-grpc")) {
      targets.set("quorate-grpc", { door: "grpc", address: quorate.address() });
    }
    if (options.targets.includes("quorate-native")) targets.set("quorate-native", native);
  }
  return targets;
}

async function generateLoad(options: LoadOptions): Promise<LoadResult> {
  const { exitCode, stdout, stderr } = await run(
    nodeExecutable,
    [join(__dirname, "load-generator.js"), JSON.stringify(options)],
    { timeoutMs: (options.seconds + 60) * 1000 },
  );
  if (exitCode !== 0) throw new Error(`The load generator failed (${exitCode})\n${stderr}`);
  return JSON.parse(stdout) as LoadResult;
}

function withoutMissingEtcd(options: BenchOptions): BenchOptions {
  if (!options.targets.includes("etcd") || findProgram("etcd") !== undefined) return options;
  progress("etcd is not installed: Quorate is measured alone");
  return { ...options, targets: options.targets.filter((name) => name !== "etcd") };
}

function report(cells: readonly Cell[], options: BenchOptions): void {
  console.log(
    `${cpus().length} cores, three members each, values of ${valueBytes} bytes, ${keyCount} keys, ` +
      `medians of ${options.rounds} rounds of ${options.seconds} s\n\n${figuresTable(cells)}`,
  );
  if (options.jsonPath === undefined) return;
  const figures = cells.map((cell) => ({ ...cell, median: figuresOf(cell) }));
  writeFileSync(options.jsonPath, `${JSON.stringify({ options, figures }, null, 2)}\n`);
}

function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}

main().catch((error: unknown) => {
  if (error instanceof TypeError) console.error(`${error.message}\n\n${usage}`);
  else console.error(error);
  process.exitCode = 1;
});
