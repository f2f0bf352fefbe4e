import { randomBytes } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

import { EtcdClient } from "../harness/etcd-client";
import { eventually } from "../harness/eventually";
import { leaderOf, settledMemberStates } from "../harness/member-states";
import { QuorateCluster } from "../harness/quorate-cluster";
import { WriteLoad } from "./write-load";

const recoveryMaxMs = 60_000;
/** More by far than the log keeps, so that who was away must get a snapshot. */
const valueBytes = 128 * 1024;
const values = 800;
const keptEntries = 20;
const memoryMaxMiB = 700;

describe("a cluster that keeps little of its log", () => {
  let cluster: QuorateCluster;
  let client: EtcdClient;

  beforeAll(async () => {
    cluster = await QuorateCluster.start({ members: 3, flags: ["--log-keep-entries", `${keptEntries}`] });
    client = new EtcdClient({ address: cluster.address() });
  }, 60_000);

  afterAll(async () => {
    client?.close();
    await cluster?.[Symbol.asyncDispose]();
  }, 30_000);

  it("brings a member back by a snapshot while writes go on, in bounded memory", async () => {
    const away = await someFollower();
    await cluster.tell("kill", away);
    await fill("large/");
    const load = new WriteLoad({ prefix: "meanwhile/", writers: 4 }, client);
    const from = performance.now();
    await cluster.tell("start", away);
    await eventually(
      `${away} to have installed a snapshot`,
      { withinMs: recoveryMaxMs },
      () => snapshotsOf(away) === 1,
    );
    const tookMs = performance.now() - from;
    await load.untilAcknowledged(50, recoveryMaxMs);
    await load.stop();
    expect(load.failed).toEqual([]);
    expect(await load.violations()).toEqual([]);
    await allAlike();

    const memory = cluster.members.map((name) => `${name} ${peakMemoryMiB(name)}`).join(", ");
    console.log(
      `snapshot of ${(values * valueBytes) / 2 ** 20} MiB: ${Math.round(tookMs)} ms; MiB at most: ${memory}`,
    );
    for (const name of cluster.members) expect(peakMemoryMiB(name)).toBeLessThan(memoryMaxMiB);
  }, 240_000);

  it("brings back a member whose state is gone and that is killed while the snapshot comes", async () => {
    const member = await someFollower();
    const before = snapshotsOf(member);
    const fetches = countIn(member, "fetching a snapshot");
    await cluster.tell("kill", member);
    rmSync(join(cluster.dataDir, member, "state"), { recursive: true });
    await cluster.tell("start", member);
    await eventually(
      "a snapshot to be on its way",
      { withinMs: recoveryMaxMs },
      () => countIn(member, "fetching a snapshot") > fetches,
    );
    await cluster.tell("kill", member);
    await cluster.tell("start", member);
    await eventually(
      "a snapshot of the state",
      { withinMs: recoveryMaxMs },
      () => snapshotsOf(member) === before + 1,
    );
    await allAlike();
    expect(logOf(member)).toContain("the state is damaged");
  }, 180_000);

  it("does not bring back a member whose log is gone", async () => {
    const member = await someFollower();
    await cluster.tell("kill", member);
    rmSync(join(cluster.dataDir, member), { recursive: true });
    await cluster.tell("start", member);
    await eventually("the member to be refused", { withinMs: recoveryMaxMs }, () =>
      logOf(member).includes("must not come back under its id"),
    );
  }, 120_000);

  /** Writes values that cannot be compressed, each under a key of its own. */
  async function fill(prefix: string): Promise<void> {
    const writers = 8;
    await Promise.all(
      Array.from({ length: writers }, async (_, writer) => {
        for (let at = writer; at < values; at += writers)
          await client.put({ key: Buffer.from(`${prefix}${at}`), value: randomBytes(valueBytes) }, 30_000);
      }),
    );
  }

  async function someFollower(): Promise<string> {
    const leader = await leaderOf(cluster, recoveryMaxMs);
    return cluster.members.find((name) => name !== leader)!;
  }

  async function allAlike(): Promise<void> {
    const states = await settledMemberStates(cluster, recoveryMaxMs);
    expect(new Set(states.map(({ effectHash }) => effectHash)).size).toBe(1);
  }

  function logOf(name: string): string {
    return readFileSync(join(cluster.dataDir, "logs", `${name}.log`), "utf8");
  }

  function snapshotsOf(name: string): number {
    return countIn(name, "a snapshot is the state now");
  }

  function countIn(name: string, text: string): number {
    return logOf(name).split(text).length - 1;
  }

  function peakMemoryMiB(name: string): number {
    const status = readFileSync(`/proc/${cluster.process(name).pid}/status`, "utf8");
    return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024);
  }
});
