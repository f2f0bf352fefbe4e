import { rmSync } from "node:fs";
import { join } from "node:path";

import { eventually } from "../harness/eventually";
import { peakMemoryMib } from "../harness/process-memory";
import type { QuorateCluster } from "../harness/quorate-cluster";
import { LoadedCluster } from "./loaded-cluster";

const recoveryMaxMs = 60_000;
/** More by far than the log keeps, so that who was away must get a snapshot. */
const valueBytes = 128 * 1024;
const values = 800;
const keptEntries = 20;
const memoryMaxMiB = 700;

describe("a cluster that keeps little of its log", () => {
  let scene: LoadedCluster;
  let cluster: QuorateCluster;

  beforeAll(async () => {
    const flags = ["--log-keep-entries", `${keptEntries}`];
    scene = await LoadedCluster.start({ members: 3, flags }, recoveryMaxMs);
    cluster = scene.cluster;
  }, 60_000);

  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]();
  }, 60_000);

  it("brings a member back by a snapshot while writes go on, in bounded memory", async () => {
    const away = await scene.someFollower();
    await cluster.tell("kill", away);
    await scene.fill("large/", values, valueBytes);
    const load = scene.load("meanwhile/", 4);
    const from = performance.now();
    await cluster.tell("start", away);
    await scene.untilSnapshot(away);
    const tookMs = performance.now() - from;
    await load.untilAcknowledged(50, recoveryMaxMs);
    await load.stop();
    expect(load.failed).toEqual([]);
    expect(await load.violations()).toEqual([]);
    await scene.expectAllAlike();

    const memory = cluster.members.map((name) => `${name} ${peakMemoryMiB(name)}`).join(", ");
    console.log(
      `snapshot of ${(values * valueBytes) / 2 ** 20} MiB: ${Math.round(tookMs)} ms; MiB at most: ${memory}`,
    );
    for (const name of cluster.members) expect(peakMemoryMiB(name)).toBeLessThan(memoryMaxMiB);
  }, 240_000);

  it("brings back a member whose state is gone and that is killed while the snapshot comes", async () => {
    const member = await scene.someFollower();
    const before = scene.snapshotsOf(member);
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
    await scene.untilSnapshot(member, before);
    await scene.expectAllAlike();
    expect(cluster.logOf(member)).toContain("the state is damaged");
  }, 180_000);

  it("does not bring back a member whose log is gone", async () => {
    const member = await scene.someFollower();
    await cluster.tell("kill", member);
    rmSync(join(cluster.dataDir, member), { recursive: true });
    await cluster.tell("start", member);
    await eventually("the member to be refused", { withinMs: recoveryMaxMs }, () =>
      cluster.logOf(member).includes("must not come back under its id"),
    );
  }, 120_000);

  function countIn(name: string, text: string): number {
    return cluster.logOf(name).split(text).length - 1;
  }

  function peakMemoryMiB(name: string): number {
    return Math.round(peakMemoryMib(cluster.process(name).pid!));
  }
});
