import { setTimeout as pause } from "node:timers/promises";

import { randomInteger, seededPrng } from "@quorate/base";

import { checkHashes } from "../checkers/durability";
import { orderViolations, WriteLoad } from "../e2e/write-load";
import { EtcdClient, etcdMethods } from "../harness/etcd-client";
import { LinkedCluster } from "../harness/linked-cluster";
import { settledMemberStates } from "../harness/member-states";
import { exitViolations } from "./exit-violations";
import { keepFailure } from "./failure-folder";
import type { Scene } from "./nemesis";
import { nemesisOf, NODE_FLAGS, nodeEnvironment, type Fault } from "./nemeses";
import type { RoundReport, Topology } from "./round";

export interface AcknowledgedWritesOptions {
  /** Writes to have acknowledged. */
  readonly count: number;
  readonly fault: Fault;
  readonly seed: number;
  readonly topology: Topology;
  readonly faultMsMax: number;
  readonly command: string;
}

const GATEWAYS = 3;
const WRITERS_PER_GATEWAY = 48;
/** Between two faults: so many more writes are acknowledged at least, and the first has been healed. */
const WRITES_BETWEEN_FAULTS = 2000;
const WITHIN_MS = 90_000;
const VIOLATIONS_SHOWN_MAX = 20;

/**
 * Writes until so many are acknowledged, while one fault comes again and again; then none may be missing, revisions must be unique
 * and follow real time, and all members must be alike.
 */
export async function runAcknowledgedWrites(
  options: AcknowledgedWritesOptions,
  note: (line: string) => void,
): Promise<Pick<RoundReport, "kind" | "text">> {
  const journal: string[] = [];
  const noted = (line: string): void => {
    journal.push(line);
    note(line);
  };
  const { members, brokers } = options.topology;
  await using cluster = await LinkedCluster.start({
    ...{ members, brokers, gateways: GATEWAYS, fanouts: 1 },
    nodeFlags: NODE_FLAGS,
    environmentOf: (membersDir, name) => nodeEnvironment([options.fault], membersDir, name),
  });
  const clients = cluster
    .namesOf("kv-gateway")
    .map((name) => new EtcdClient({ address: cluster.address(name), deadlineMs: 10_000 }));
  const loads = clients.map(
    (client, at) => new WriteLoad({ prefix: `writes/${at}/`, writers: WRITERS_PER_GATEWAY }, client),
  );
  const acknowledged = (): number => loads.reduce((sum, load) => sum + load.acknowledged.length, 0);
  const problems: string[] = [];
  let faults = 0;
  const from = performance.now();
  try {
    const prng = seededPrng(options.seed);
    const scene: Scene = { cluster, prng, compact: async () => 0 };
    await loads[0]!.untilAcknowledged(100, WITHIN_MS);
    while (acknowledged() < options.count || faults === 0) {
      const nemesis = nemesisOf(options.fault, scene);
      const what = await nemesis.start();
      await pause(randomInteger(prng, 100, options.faultMsMax));
      await nemesis.heal();
      cluster.healAll();
      faults += 1;
      await cluster.untilWritable(WITHIN_MS);
      await loads[0]!.untilAcknowledged(WRITES_BETWEEN_FAULTS / GATEWAYS, WITHIN_MS);
      noted(`fault ${faults}: ${what}; ${acknowledged()} writes acknowledged`);
    }
    for (const load of loads) await load.stop();
    const states = await settledMemberStates(cluster, WITHIN_MS);
    if (new Set(states.map(({ effectHash }) => effectHash)).size > 1)
      problems.push(`the members differ: ${JSON.stringify(states.map(({ effectHash }) => effectHash))}`);
    checkHashes(await hashes(clients, states[0]!.revision));
    for (const load of loads) problems.push(...(await load.violations()));
    problems.push(...orderViolations(loads.flatMap((load) => load.acknowledged)));
    problems.push(...exitViolations(cluster, new Map([[options.fault, faults]])));
  } catch (error) {
    problems.push(String(error), ...(error instanceof Error ? [String(error.cause)] : []));
  } finally {
    for (const load of loads) await load.stop();
    for (const client of clients) client.close();
  }
  const seconds = (performance.now() - from) / 1000;
  const failed = loads.reduce((sum, load) => sum + load.failed.length, 0);
  const figures =
    `${options.fault}, members=${members}, seed ${options.seed}: ${acknowledged()} writes acknowledged, ` +
    `${failed} of unknown outcome, ${faults} faults, longest gap ${Math.round(longestGapMs(loads))} ms, ` +
    `${Math.round(seconds)} s, ${problems.length} violations`;
  if (problems.length === 0) return { kind: "kept", text: figures };
  const shown = problems.slice(0, VIOLATIONS_SHOWN_MAX);
  const kept = keepFailure({ cluster, run: undefined, journal, problems, command: options.command });
  const text = [figures, ...shown, `Everything is kept in ${kept}`, `Again: ${options.command}`].join("\n");
  return { kind: "broken", text };
}

/** The longest time in which no gateway acknowledged anything. */
function longestGapMs(loads: readonly WriteLoad[]): number {
  const times = loads
    .flatMap((load) => load.acknowledged.map(({ returnedAt }) => returnedAt))
    .sort((a, b) => a - b);
  return times.reduce((longest, time, at) => Math.max(longest, time - (times[at - 1] ?? time)), 0);
}

function hashes(clients: readonly EtcdClient[], revision: number) {
  return Promise.all(
    clients.map(async (client) => {
      const { header, hash, compactRevision } = await client.call(etcdMethods.hashKv, { revision });
      return { member: String(header?.memberId), revision, compactRevision: Number(compactRevision), hash };
    }),
  );
}
