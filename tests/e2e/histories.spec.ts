import { checkRun } from "../checkers/check-run";
import { checkEffort, type Phase } from "../checkers/effort";
import { keepHistory } from "../checkers/history-file";
import { leaderOf } from "../harness/member-states";
import { QuorateCluster } from "../harness/quorate-cluster";
import { ClusterHistory } from "../workloads/cluster-history";
import type { Mix } from "../workloads/draw-request";

const withinMs = 60_000;
/** In each of the three phases of a load. */
const answersMin = 150;

// Goal: what clients of a real cluster are told while its leader is killed is linearizable, by checkers that do not trust each
// other. Method: three workloads over gRPC and NATS, one after the other, each with the loss of a leader; then one history of all
// of it, beside a watch that saw everything, another one that reads it again, and the members' hashes.
// What is drawn repeats under QUORATE_SEED; QUORATE_HISTORIES names the folder in which a history that fails is kept.
describe("histories of a cluster of real processes", () => {
  const seed = Number(process.env["QUORATE_SEED"] ?? Date.now() % 1_000_000);
  const phases: Phase[] = [];
  let cluster: QuorateCluster;
  let history: ClusterHistory;
  let leadersLost = 0;

  beforeAll(async () => {
    cluster = await QuorateCluster.start({ members: 3, gateways: 3, fanouts: 2 });
    history = await ClusterHistory.start({ title: "leader killed", seed, timeoutMs: 1000 }, cluster);
  }, 120_000);

  afterAll(async () => {
    await history?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
  }, 60_000);

  it.each<[Mix, number, number]>([
    ["register", 100, 3],
    ["txn", 200, 4],
    ["list-append", 300, 4],
  ])(
    "are recorded of the workload %s while the leader is killed",
    async (mix, firstClient, keys) => {
      const load = await history.load({ mix, prefix: `${mix}/`, keys, clients: 6, firstClient });
      const from = performance.now();
      await load.untilAnswered(answersMin, withinMs);
      const leader = await leaderOf(cluster, withinMs);
      const killed = performance.now();
      await cluster.tell("kill", leader);
      await load.untilAnswered(answersMin, withinMs);
      if ((await leaderOf(cluster, withinMs)) !== leader) leadersLost += 1;
      const healed = performance.now();
      await cluster.tell("start", leader);
      await load.untilAnswered(answersMin, withinMs);
      await load.stop();
      phases.push(
        { name: `of ${mix} before`, from, to: killed, operationsPerSecondMin: 10 },
        { name: `of ${mix} without its leader`, from: killed, to: healed, operationsPerSecondMin: 2 },
        { name: `of ${mix} after`, from: healed, to: performance.now(), operationsPerSecondMin: 10 },
      );
    },
    4 * withinMs,
  );

  it(
    "keep every promise",
    async () => {
      const run = await history.collected();
      const { operations, logs, hashes } = run;
      const unknown = operations.filter(({ outcome }) => outcome.kind === "unknown").length;
      const effort = checkEffort({
        operations,
        phases,
        durationMsMin: 2000,
        counts: {
          "leaders lost": { seen: leadersLost, min: 3 },
          "calls without answer": { seen: unknown, min: 1 },
          "watch events": { seen: history.watchEvents, min: 300 },
          "changes in the log": { seen: logs[0]?.length ?? 0, min: 300 },
          "hashes of members": { seen: hashes.length, min: 3 },
        },
      });
      const verdicts = checkRun(run);
      process.stderr.write(`seed ${seed}: ${operations.length} operations, ${effort}\n`);
      const others = verdicts.filter(({ kind }) => kind !== "kept");
      const texts = others.map(({ checker, kind, text }) => `${checker}: ${kind}. ${text}`);
      if (others.length > 0) throw new Error([...texts, `Check it again by: ${keepHistory(run)}`].join("\n"));
      expect(verdicts.map(({ checker }) => checker)).toEqual([
        ...["logs agree", "revisions", "linearizability", "list-append", "watches", "durability", "hashes"],
      ]);
    },
    2 * withinMs,
  );
});
