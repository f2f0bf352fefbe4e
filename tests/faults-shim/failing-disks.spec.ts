import { LoadedCluster } from "../e2e/loaded-cluster";
import {
  failSyncs,
  faultsDone,
  fillDisk,
  noteSyncs,
  release,
  stallSyncs,
  syncsDone,
  type DiskPart,
} from "../harness/disk-faults";
import { describeWithPreloading } from "../harness/preloaded-library";
import { eventually } from "../harness/eventually";
import { cutPower, diskOf, onFaultyDisks } from "../harness/faulty-disks";
import { leaderOf } from "../harness/member-states";

const withinMs = 40_000;
const testMs = 120_000;

// One cluster goes through all of it: what an earlier fault broke, a later one shows.
describeWithPreloading("a cluster of three whose disks fail", () => {
  let scene: LoadedCluster;

  beforeAll(async () => {
    const flags = ["--log-keep-entries", "100"]; // so that the state is synced every 20 entries
    scene = await LoadedCluster.start(await onFaultyDisks({ members: 3, flags }), withinMs);
  }, testMs);

  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]();
  }, testMs);

  it.each<[DiskPart]>([["raft"], ["anchor"], ["state"]])(
    "goes on without a leader of whose disk a sync has failed in %s; it ends, comes back, and has lost nothing",
    async (part) => {
      const { cluster } = scene;
      const load = scene.load(`sync-failed-${part}/`, 8);
      await load.untilAcknowledged(50, withinMs);
      const leader = await leaderOf(cluster, withinMs);
      const ends = endings(leader).length;
      failSyncs(diskOf(cluster, leader), { part, times: 1 });
      await eventually(`${leader} to end`, { withinMs }, () => endings(leader).length > ends);
      await load.untilAcknowledged(50, withinMs);
      await scene.expectAllAlike();
      // What that sync did not write is not on its disk, though its file shows it.
      await cutPower(cluster, cluster.members);
      await Promise.all(cluster.members.map((name) => cluster.tell("start", name)));
      await load.untilAcknowledged(50, withinMs);
      await load.stop();

      expect(endings(leader)[ends]).toMatch(/exit code 70/);
      expect(await load.violations()).toEqual([]);
      await scene.expectAllAlike();
    },
    testMs,
  );

  it("stops when all disks are full, and goes on with everything acknowledged once there is space", async () => {
    const { cluster } = scene;
    const load = scene.load("full/", 8);
    await load.untilAcknowledged(50, withinMs);
    const ends = new Map(cluster.members.map((name) => [name, endings(name).length]));
    for (const name of cluster.members) fillDisk(diskOf(cluster, name));
    for (const name of cluster.members) {
      const isOver = (): boolean => endings(name).length > ends.get(name)!;
      await eventually(`${name} to end`, { withinMs }, isOver);
    }
    const acknowledged = load.acknowledged.length;
    for (const name of cluster.members) release(diskOf(cluster, name));
    // The supervisor may have given one up meanwhile, or be about to start it.
    for (const name of cluster.members) await cluster.tell("start", name).catch(() => undefined);
    await load.untilAcknowledged(50, withinMs);
    await load.stop();

    const codes = cluster.members.flatMap((name) => endings(name).slice(ends.get(name)));
    expect(codes.filter((code) => !code.includes("exit code 70"))).toEqual([]);
    expect(load.acknowledged.length).toBeGreaterThan(acknowledged);
    expect(await load.violations()).toEqual([]);
    await scene.expectAllAlike();
  }, 120_000);

  it("finds another leader when the syncs of one hang, which comes back when they end", async () => {
    const { cluster } = scene;
    const load = scene.load("stalled/", 8);
    await load.untilAcknowledged(50, withinMs);
    const leader = await leaderOf(cluster, withinMs);
    const disk = diskOf(cluster, leader);
    const before = faultsDone(disk);
    stallSyncs(disk);
    await eventually("a sync to hang", { withinMs }, () => faultsDone(disk) > before);
    const from = performance.now();
    await load.untilAcknowledged(100, withinMs);
    const gapMs = performance.now() - from;
    const heir = await leaderOf(cluster, withinMs);
    release(disk);
    await load.untilAcknowledged(50, withinMs);
    await load.stop();
    process.stderr.write(`a hanging disk under the leader: 100 writes after ${Math.round(gapMs)} ms\n`);

    expect(heir).not.toBe(leader);
    expect(await load.violations()).toEqual([]);
    await scene.expectAllAlike();
  }, 120_000);

  it("syncs the log once for each write that comes alone, and once for many that come together", async () => {
    const { cluster, client } = scene;
    await scene.expectAllAlike();
    const disks = cluster.members.map((name) => diskOf(cluster, name));
    const put = (key: string): Promise<unknown> => client.put({ key: Buffer.from(key) });
    const logSyncs = async (work: () => Promise<unknown>): Promise<number> => {
      disks.forEach(noteSyncs);
      await work();
      return disks.flatMap(syncsDone).filter((line) => /^fdatasync raft\/\d+\.log$/.test(line)).length;
    };

    const alone = await logSyncs(async () => {
      for (let count = 0; count < 20; count += 1) await put(`alone/${count}`);
    });
    const together = await logSyncs(() =>
      Promise.all(Array.from({ length: 200 }, (_, count) => put(`together/${count}`))),
    );

    // Two of three have synced before an answer, and all three will; to know that it is committed takes no sync.
    expect(alone).toBeGreaterThanOrEqual(2 * 20);
    expect(alone).toBeLessThan(3 * 30);
    expect(together).toBeGreaterThan(2);
    expect(together).toBeLessThan(3 * 100);
  }, 120_000);

  /** How a member has ended by itself so far, in the supervisor's words. */
  function endings(name: string): string[] {
    return scene.cluster
      .logOf("supervisor")
      .split("\n")
      .filter((line) => line.includes(`${name} ended`));
  }
});
