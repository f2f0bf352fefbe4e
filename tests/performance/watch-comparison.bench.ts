import { join } from "node:path";
import { parseArgs } from "node:util";

import { run } from "../harness/child-process";
import { EtcdServer, findProgram } from "../harness/etcd-server";
import { QuorateCluster } from "../harness/quorate-cluster";
import { nodeExecutable } from "../harness/repository";
import { median } from "./figures";
import { textTable } from "./text-table";
import type { WatchLoadOptions, WatchLoadResult } from "./watch-load";

interface Scenario {
  readonly name: string;
  readonly load: Omit<WatchLoadOptions, "address">;
}

const VALUE_BYTES = 256;

/** About half a million events each, or as many puts as half a minute allows. */
const scenarios: readonly Scenario[] = [
  ...(
    [
      [1, 20_000],
      [100, 5000],
      [10_000, 50],
    ] as const
  ).map(([watchers, puts]) => ({
    name: `${watchers} on one key`,
    load: { watchers, keys: "one" as const, puts, callers: 50, valueBytes: VALUE_BYTES },
  })),
  ...[100, 10_000].map((watchers) => ({
    name: `${watchers} on own keys`,
    load: { watchers, keys: "own" as const, puts: 20_000, callers: 50, valueBytes: VALUE_BYTES },
  })),
  ...[1, 10_000].map((watchers) => ({
    name: `${watchers} on own keys, 100 puts/s`,
    load: {
      watchers,
      keys: "own" as const,
      puts: 500,
      callers: 1,
      putsPerSecond: 100,
      valueBytes: VALUE_BYTES,
    },
  })),
];

const usage = `Compares the watches of Quorate with those of a three-member etcd.

  --rounds N    times that everything is measured, in turn (3)
  --only TEXT   scenarios whose name contains this`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { rounds: { type: "string", default: "3" }, only: { type: "string", default: "" } },
  });
  const chosen = scenarios.filter(({ name }) => name.includes(values.only));
  const rounds = Number(values.rounds);
  if (!(rounds >= 1) || chosen.length === 0) throw new TypeError("There is nothing to measure.");
  await using cleanUp = new AsyncDisposableStack();
  const targets = await startTargets(cleanUp);
  const results = new Map<string, WatchLoadResult[]>();
  for (let round = 0; round < rounds; round += 1) {
    for (const { name, load } of chosen) {
      // Every second round the other one goes first.
      for (const [target, address] of round % 2 === 0 ? targets : targets.toReversed()) {
        const result = await generate({ ...load, address });
        const cell = `${name}/${target}`;
        results.set(cell, [...(results.get(cell) ?? []), result]);
        process.stderr.write(`round ${round + 1}/${rounds}  ${name} ${target}: ${describe(result)}\n`);
      }
    }
  }
  console.log(report(chosen, targets, results));
}

type Targets = readonly (readonly [name: string, address: string])[];

async function startTargets(cleanUp: AsyncDisposableStack): Promise<Targets> {
  const quorate = cleanUp.use(await QuorateCluster.start({ members: 3 }));
  if (findProgram("etcd") === undefined) return [["quorate", quorate.address()]];
  const etcd = cleanUp.use(await EtcdServer.start(3));
  return [
    ["quorate", quorate.address()],
    ["etcd", await etcd.leaderAddress()],
  ];
}

async function generate(options: WatchLoadOptions): Promise<WatchLoadResult> {
  const { exitCode, stdout, stderr } = await run(
    nodeExecutable,
    [join(__dirname, "watch-load-generator.js"), JSON.stringify(options)],
    { timeoutMs: 300_000 },
  );
  if (exitCode !== 0) throw new Error(`The load generator failed (${exitCode})\n${stderr}`);
  return JSON.parse(stdout) as WatchLoadResult;
}

function describe({ createdPerSecond, eventsPerSecond, latency }: WatchLoadResult): string {
  const rates = `${Math.round(createdPerSecond)} created/s, ${Math.round(eventsPerSecond)} events/s`;
  return latency === undefined ? rates : `${rates}, p50 ${latency.p50.toFixed(2)} ms`;
}

function report(
  chosen: readonly Scenario[],
  targets: Targets,
  results: ReadonlyMap<string, readonly WatchLoadResult[]>,
): string {
  const figure = (name: string, target: string, of: (result: WatchLoadResult) => number): number =>
    median((results.get(`${name}/${target}`) ?? []).map(of));
  const rows = chosen.flatMap(({ name }) =>
    targets.map(([target]) => {
      const events = figure(name, target, ({ eventsPerSecond }) => eventsPerSecond);
      const rival = figure(name, "etcd", ({ eventsPerSecond }) => eventsPerSecond);
      return [
        name,
        target,
        Math.round(figure(name, target, ({ createdPerSecond }) => createdPerSecond)).toLocaleString("en-US"),
        Math.round(events).toLocaleString("en-US"),
        figure(name, target, ({ latency }) => latency?.p50 ?? Number.NaN).toFixed(2),
        figure(name, target, ({ latency }) => latency?.p99 ?? Number.NaN).toFixed(2),
        figure(name, target, ({ generatorCores }) => generatorCores).toFixed(2),
        target === "etcd" || Number.isNaN(rival) ? "" : `${(events / rival).toFixed(2)}x`,
      ].map((text) => (text === "NaN" ? "" : text));
    }),
  );
  const head = ["watchers", "target", "created/s", "events/s", "p50 ms", "p99 ms", "gen. cores", "vs. etcd"];
  return textTable(head, rows, ["watchers", "target"]);
}

main().catch((error: unknown) => {
  if (error instanceof TypeError) console.error(`${error.message}\n\n${usage}`);
  else console.error(error);
  process.exitCode = 1;
});
