import { cpSync, existsSync, readFileSync, rmSync } from "node:fs";
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

/** What a damaged member of three must do, and what it must say. */
interface Case {
  readonly what: string;
  readonly victim: Victim;
  readonly hurt: Damage;
  /** "healed": it comes back by itself with everything. "refused": it ends with the documented exit code. */
  readonly outcome: "healed" | "refused";
  /** In the member's log, or in what it prints. */
  readonly says: RegExp | undefined;
}

const repairs = /repair mode: the log lost entries/;
const cases: readonly Case[] = [
  {
    what: "a bit of the log's WAL",
    victim: "follower",
    hurt: damage.logWalFlip,
    outcome: "healed",
    says: repairs,
  },
  {
    what: "a bit of the leader's WAL",
    victim: "leader",
    hurt: damage.logWalFlip,
    outcome: "healed",
    says: repairs,
  },
  {
    what: "a bit near the WAL's end",
    victim: "leader",
    hurt: damage.logWalFlipNearEnd,
    outcome: "healed",
    says: /WAL|write-ahead log is rotten/,
  },
  {
    what: "a stretch of zeros in the WAL",
    victim: "follower",
    hurt: damage.logWalErased,
    outcome: "healed",
    says: repairs,
  },
  { what: "half of the WAL", victim: "leader", hurt: damage.logWalCut, outcome: "healed", says: repairs },
  {
    what: "the last bytes of the WAL",
    victim: "follower",
    hurt: damage.logWalTorn,
    outcome: "healed",
    says: /middle of a record/,
  },
  { what: "the whole WAL", victim: "leader", hurt: damage.logWalRemoved, outcome: "healed", says: repairs },
  {
    what: "blocks of the log's tables",
    victim: "follower",
    hurt: damage.logTablesFlip,
    outcome: "refused",
    says: /damaged/,
  },
  {
    what: "the log's tables",
    victim: "leader",
    hurt: damage.logTablesRemoved,
    outcome: "refused",
    says: /damaged/,
  },
  {
    what: "the log's manifest",
    victim: "follower",
    hurt: damage.logManifest,
    outcome: "refused",
    says: /damaged/,
  },
  {
    what: "the log's manifest, removed",
    victim: "follower",
    hurt: damage.logManifestRemoved,
    outcome: "refused",
    says: /damaged/,
  },
  {
    what: "the log's CURRENT",
    victim: "follower",
    hurt: damage.logCurrent,
    outcome: "refused",
    says: /damaged/,
  },
  {
    what: "the log's CURRENT, removed",
    victim: "leader",
    hurt: damage.logCurrentRemoved,
    outcome: "refused",
    says: /CURRENT/,
  },
  {
    what: "the whole log",
    victim: "follower",
    hurt: damage.logGone,
    outcome: "refused",
    says: /has an anchor/,
  },
  {
    what: "a slot of the anchor",
    victim: "leader",
    hurt: damage.anchorSlot,
    outcome: "healed",
    says: /one of the two copies of the anchor/,
  },
  {
    what: "both slots of the anchor",
    victim: "follower",
    hurt: damage.anchorBothSlots,
    outcome: "refused",
    says: /damaged in both/,
  },
  {
    what: "the anchor, removed",
    victim: "follower",
    hurt: damage.anchorRemoved,
    outcome: "refused",
    says: /"anchor\\?" is missing/,
  },
  {
    what: "a bit of the state's WAL",
    victim: "leader",
    hurt: damage.stateWalFlip,
    outcome: "healed",
    says: undefined,
  },
  {
    what: "the state's WAL",
    victim: "follower",
    hurt: damage.stateWalRemoved,
    outcome: "healed",
    says: undefined,
  },
  {
    what: "the state's tables",
    victim: "follower",
    hurt: damage.stateTablesRemoved,
    outcome: "healed",
    says: /set aside/,
  },
  {
    what: "the state's manifest",
    victim: "leader",
    hurt: damage.stateManifest,
    outcome: "healed",
    says: /set aside/,
  },
  {
    what: "the state's CURRENT",
    victim: "follower",
    hurt: damage.stateCurrent,
    outcome: "healed",
    says: /set aside/,
  },
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

  it.each(cases)(
    "$outcome, when the $victim finds damage in $what",
    async ({ what, victim, hurt, outcome, says }) => {
      await load.untilAcknowledged(50, recoveryMaxMs);
      const leader = await leaderOf(cluster, recoveryMaxMs);
      const name = victim === "leader" ? leader : cluster.members.find((member) => member !== leader)!;
      await cluster.tell("kill", name);
      const copy = join(folder.path, "before");
      rmSync(copy, { recursive: true, force: true });
      cpSync(dirOf(name), copy, { recursive: true });
      const saidBefore = logOf(name).length;
      const from = performance.now();
      hurt(dirOf(name));
      let said: string;
      if (outcome === "refused") {
        const finished = await startAlone(name);
        putBack(copy, dirOf(name)); // before anything is expected: the next case needs three members
        await comesBack(name);
        said = finished.stdout + finished.stderr;
        expect({ code: finished.exitCode, said }).toEqual({ code: dataDirectoryRefused, said });
      } else {
        await comesBack(name);
        said = logOf(name).slice(saidBefore);
        rmSync(join(dirOf(name), "state.damaged"), { recursive: true, force: true });
      }
      figures.push(`${outcome} in ${Math.round(performance.now() - from)} ms: ${what} (${victim})`);
      if (says !== undefined) expect(said).toMatch(says);
    },
    120_000,
  );

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
    damage.anchorSlot(dirOf(second));
    damage.stateCurrent(dirOf(second));
    damage.stateWalFlip(dirOf(third));

    const from = performance.now();
    for (const name of cluster.members) await cluster.tell("start", name);
    await cluster.untilWritable(recoveryMaxMs);
    for (const name of cluster.members) await caughtUp(name);
    figures.push(`healed in ${Math.round(performance.now() - from)} ms: all three at different places`);
    rmSync(join(dirOf(second), "state.damaged"), { recursive: true, force: true });
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
    expect(load.acknowledged.length).toBeGreaterThan(cases.length * 50);
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

  it("makes its state anew from a whole log, and has everything", async () => {
    putBack(copy, memberDir);
    damage.stateManifest(memberDir);
    await cluster.tell("start", "n1");
    await cluster.untilWritable(recoveryMaxMs);

    expect(await load.violations()).toEqual([]);
    expect(existsSync(join(memberDir, "state.damaged"))).toBe(true);
  }, 120_000);
});
