import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { run, type Finished } from "../harness/child-process";
import { EtcdClient } from "../harness/etcd-client";
import { eventually } from "../harness/eventually";
import { leaderOf, memberAt, settledMemberStates } from "../harness/member-states";
import { QuorateCluster } from "../harness/quorate-cluster";
import { temporaryFolder, type TemporaryFolder } from "../harness/temporary-folder";
import { damage, putBack, type Damage } from "./disk-damage";
import { WriteLoad } from "./write-load";

const recoveryMaxMs = 60_000;
const dataDirectoryRefused = 73;
const haltLooksMs = 5000;

type Victim = "leader" | "follower";

const repairs = /repair mode: the log lost entries/;

/** What a member of three comes back from by itself, and what it says of it. */
const healed: readonly (readonly [what: string, victim: Victim, hurt: Damage, says: RegExp | undefined])[] = [
  ["a bit of its log", "follower", damage.logWalFlip, repairs],
  ["a bit of its log", "leader", damage.logWalFlip, /write-ahead log is rotten/],
  ["a bit near the end of its log", "leader", damage.logWalFlipNearEnd, /write-ahead log/],
  ["a stretch of its log", "follower", damage.logWalErased, repairs],
  ["half of its log", "leader", damage.logWalCut, repairs],
  ["the last bytes of its log", "follower", damage.logWalTorn, /middle of a record/],
  ["the newest file of its log", "leader", damage.logWalRemoved, repairs],
  ["a slot of its anchor", "leader", damage.anchorSlot, /one of the two copies of the anchor/],
  ["a bit of its state", "leader", damage.stateWalFlip, undefined],
  ["the newest file of its state", "follower", damage.stateWalRemoved, undefined],
];

/** What it cannot come back from, because nobody can tell what it has promised; it ends with the documented exit code. */
const refused: readonly (readonly [what: string, hurt: Damage, says: RegExp])[] = [
  ["blocks of its log's tables", damage.logTablesFlip, /damaged/],
  ["its log's tables", damage.logTablesRemoved, /damaged/],
  ["its log's manifest", damage.logManifest, /damaged/],
  ["its log's manifest, which is gone", damage.logManifestRemoved, /damaged/],
  ["its log's CURRENT", damage.logCurrent, /damaged/],
  ["its log's CURRENT, which is gone", damage.logCurrentRemoved, /CURRENT/],
  ["its whole log, which is gone", damage.logGone, /has an anchor/],
  ["both slots of its anchor", damage.anchorBothSlots, /damaged in both/],
  ["its anchor, which is gone", damage.anchorRemoved, /"anchor\\?" is missing/],
];

// Goal: damaged files of a minority are noticed, never served, never spread, and healed from the others; where that cannot be,
// the member refuses to start. Real files of real processes, while clients write.
describe("a cluster of three with damaged disks", () => {
  let cluster: QuorateCluster;
  let client: EtcdClient;
  let folder: TemporaryFolder;
  let load: WriteLoad;
  const figures: string[] = [];

  beforeAll(async () => {
    folder = await temporaryFolder("corruption");
    cluster = await QuorateCluster.start({ members: 3, flags: ["--log-keep-entries", "200"] });
    client = new EtcdClient({ address: cluster.address() });
    // A second start moves what the first one wrote from write-ahead logs to tables: there is some of both.
    for (const name of cluster.members) await restart(name);
    load = new WriteLoad({ prefix: "corruption/", writers: 4 }, client);
    await load.untilAcknowledged(100, recoveryMaxMs);
  }, 120_000);

  afterAll(async () => {
    await load?.stop();
    client?.close();
    await cluster?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
    console.log(figures.join("\n"));
  }, 60_000);

  it.each(healed)(
    "heals %s of the %s",
    async (what, victim, hurt, says) => {
      await load.untilAcknowledged(50, recoveryMaxMs);
      const leader = await leaderOf(cluster, recoveryMaxMs);
      const name = victim === "leader" ? leader : await someFollower();
      await cluster.tell("kill", name);
      const saidBefore = logOf(name).length;
      hurt(dirOf(name));
      const from = performance.now();
      await comesBack(name);
      figures.push(`healed in ${Math.round(performance.now() - from)} ms: ${what} (${victim})`);

      if (says !== undefined) expect(logOf(name).slice(saidBefore)).toMatch(says);
    },
    120_000,
  );

  it("refuses to start with what cannot be healed, and comes back once its files do", async () => {
    const name = await someFollower();
    await cluster.tell("kill", name);
    const copy = join(folder.path, "before");
    cpSync(dirOf(name), copy, { recursive: true });
    for (const [what, hurt, says] of refused) {
      hurt(dirOf(name));
      const { exitCode, stdout, stderr } = await startAlone(name);
      figures.push(`exit code ${exitCode}: ${what}`);
      putBack(copy, dirOf(name));
      expect({ what, exitCode, said: stdout + stderr }).toEqual({
        what,
        exitCode: dataDirectoryRefused,
        said: expect.stringMatching(says) as string,
      });
    }
    await comesBack(name);
  }, 300_000);

  it("repairs a member whose log is put back from an earlier copy: the anchor knows better", async () => {
    const name = await someFollower();
    await cluster.tell("kill", name);
    const copy = join(folder.path, "earlier");
    cpSync(dirOf(name), copy, { recursive: true });
    await comesBack(name);
    await load.untilAcknowledged(100, recoveryMaxMs);
    await cluster.tell("kill", name);
    const saidBefore = logOf(name).length;
    putBack(copy, dirOf(name), "raft");

    await comesBack(name);

    expect(logOf(name).slice(saidBefore)).toMatch(repairs);
    figures.push("healed: a log put back from an earlier copy");
  }, 120_000);

  it("comes back with everything when all three are damaged, each at another place", async () => {
    await load.untilAcknowledged(50, recoveryMaxMs);
    const [first, second, third] = cluster.members as [string, string, string];
    for (const name of cluster.members) await cluster.tell("kill", name);
    damage.logWalFlip(dirOf(first));
    damage.stateWalRemoved(dirOf(second));
    damage.anchorSlot(dirOf(third));

    const from = performance.now();
    for (const name of cluster.members) await cluster.tell("start", name);
    await cluster.untilWritable(recoveryMaxMs);
    for (const name of cluster.members) await caughtUp(name);
    figures.push(`healed in ${Math.round(performance.now() - from)} ms: all three at different places`);
    await load.untilAcknowledged(50, recoveryMaxMs);
  }, 120_000);

  it("halts when all three have lost the end of their logs, rather than forget it", async () => {
    await load.stop();
    await settledMemberStates(cluster, recoveryMaxMs);
    for (const name of cluster.members) await cluster.tell("kill", name);
    for (const name of cluster.members) {
      cpSync(dirOf(name), join(folder.path, `whole-${name}`), { recursive: true });
      damage.logWalCut(dirOf(name));
    }
    for (const name of cluster.members) await cluster.tell("start", name);
    for (const name of cluster.members) {
      await eventually(`${name} to be in repair mode`, { withinMs: recoveryMaxMs }, () =>
        repairs.test(logOf(name).slice(-20_000)),
      );
    }
    await expect(cluster.untilWritable(haltLooksMs)).rejects.toThrow(/in vain/);
    figures.push("halted: all three without the end of their logs");

    for (const name of cluster.members) await cluster.tell("kill", name);
    for (const name of cluster.members) putBack(join(folder.path, `whole-${name}`), dirOf(name));
    for (const name of cluster.members) await cluster.tell("start", name);
    await cluster.untilWritable(recoveryMaxMs);
  }, 120_000);

  it("has lost nothing that it acknowledged, and all members are alike", async () => {
    await load.stop();
    expect(load.acknowledged.length).toBeGreaterThan(healed.length * 50);
    expect(await load.violations()).toEqual([]);
    const states = await settledMemberStates(cluster, recoveryMaxMs);
    expect(new Set(states.map(({ effectHash }) => effectHash)).size).toBe(1);
    figures.push(
      `${load.acknowledged.length} acknowledged writes, none lost; ${load.failed.length} without an answer`,
    );
  }, 120_000);

  const dirOf = (name: string): string => join(cluster.dataDir, name);
  const logOf = (name: string): string => readFileSync(join(cluster.dataDir, "logs", `${name}.log`), "utf8");

  /** Starts a member under its supervisor, and waits until it has all that the leader has by then. */
  async function comesBack(name: string): Promise<void> {
    await cluster.tell("start", name);
    await caughtUp(name);
  }

  async function caughtUp(name: string): Promise<void> {
    const { appliedIndex } = await memberAt(
      cluster,
      await leaderOf(cluster, recoveryMaxMs),
      0,
      recoveryMaxMs,
    );
    await memberAt(cluster, name, appliedIndex, recoveryMaxMs);
  }

  async function restart(name: string): Promise<void> {
    await cluster.tell("kill", name);
    await comesBack(name);
  }

  async function someFollower(): Promise<string> {
    const leader = await leaderOf(cluster, recoveryMaxMs);
    return cluster.members.find((name) => name !== leader)!;
  }

  /** Runs the member outside of its supervisor, until it ends by itself. */
  function startAlone(name: string): Promise<Finished> {
    const [program, ...args] = cluster.process(name).command as [string, ...string[]];
    return run(program, args, { timeoutMs: 30_000 });
  }
});

// Nobody else has what its disk loses: it must refuse, and lose nothing that a copy of its files still has.
describe("a member that is alone, with a damaged disk", () => {
  let cluster: QuorateCluster;
  let client: EtcdClient;
  let folder: TemporaryFolder;
  let load: WriteLoad;
  let memberDir: string;
  let copy: string;

  beforeAll(async () => {
    folder = await temporaryFolder("corruption-alone");
    copy = join(folder.path, "copy");
    cluster = await QuorateCluster.start({ members: 1 });
    client = new EtcdClient({ address: cluster.address() });
    memberDir = join(cluster.dataDir, "n1");
    await cluster.tell("kill", "n1");
    await cluster.tell("start", "n1");
    await cluster.untilWritable(recoveryMaxMs);
    load = new WriteLoad({ prefix: "alone/", writers: 4 }, client);
    await load.untilAcknowledged(200, recoveryMaxMs);
    await load.stop();
    await cluster.tell("kill", "n1");
    cpSync(memberDir, copy, { recursive: true });
  }, 120_000);

  afterAll(async () => {
    client?.close();
    await cluster?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  }, 60_000);

  it.each<[string, Damage, RegExp]>([
    ["a bit of its log", damage.logWalFlip, /lost entries that were acknowledged/],
    ["half of its log", damage.logWalCut, /lost entries that were acknowledged/],
    ["the end of its log", damage.logWalTorn, /lost entries that were acknowledged/],
    ["the newest part of its log", damage.logWalRemoved, /lost entries that were acknowledged/],
    ["its anchor", damage.anchorRemoved, /"anchor\\?" is missing/],
    ["both copies of its anchor", damage.anchorBothSlots, /damaged in both/],
    ["its log's manifest", damage.logManifest, /damaged/],
  ])(
    "refuses to start without %s",
    async (_what, hurt, says) => {
      putBack(copy, memberDir);
      hurt(memberDir);
      const [program, ...args] = cluster.process("n1").command as [string, ...string[]];
      const { exitCode, stdout, stderr } = await run(program, args, { timeoutMs: 30_000 });

      expect({ exitCode, said: stdout + stderr }).toEqual({
        exitCode: dataDirectoryRefused,
        said: expect.stringMatching(says) as string,
      });
    },
    60_000,
  );
});
