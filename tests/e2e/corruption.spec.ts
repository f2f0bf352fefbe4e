import { randomBytes } from "node:crypto";
import { closeSync, openSync, readdirSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";

import { STATE_COLUMNS, type StateColumn } from "@quorate/state-machine";
import { RocksKeyValueStore } from "@quorate/storage-rocksdb";
import { etcdctl } from "../compatibility/etcdctl-script";
import { run } from "../harness/child-process";
import { EtcdClient, etcdMethods } from "../harness/etcd-client";
import { findProgram } from "../harness/etcd-server";
import { eventually } from "../harness/eventually";
import { leaderOf, settledMemberStates } from "../harness/member-states";
import { QuorateCluster } from "../harness/quorate-cluster";
import { nodeExecutable, serviceMain } from "../harness/repository";

const FENCED = 74;
const recoveryMaxMs = 60_000;

// Goal: damage on one member is found, that member ends, the others go on, and one command brings it back.
describe("a member with damaged data", () => {
  let cluster: QuorateCluster;
  let client: EtcdClient;

  beforeAll(async () => {
    cluster = await QuorateCluster.start({
      members: 3,
      flags: ["--scrub-interval", "6s", "--corrupt-check-time", "5s"],
    });
    client = new EtcdClient({ address: cluster.address() });
    for (const name of ["diverged", "untouched", "other"]) await put(name, "before");
  }, 60_000);

  afterAll(async () => {
    client?.close();
    await cluster?.[Symbol.asyncDispose]();
  }, 30_000);

  it("is fenced by its scrub when a block of its state is damaged, and recovered by one command", async () => {
    const value = randomBytes(64 * 1024); // cannot be compressed: it stands in the table as it is
    await client.put({ key: Buffer.from("damaged"), value });
    const victim = await someFollower();
    await restartedTwice(victim); // the second start finds everything in tables
    await cluster.tell("kill", victim);
    flipIn(join(dataDirOf(victim), "state"), value.subarray(1000, 1032));
    await cluster.tell("start", victim);

    await fencedAndAlarmed(victim, /database in .*state is damaged/);
    await recovered(victim);
    expect(readdirSync(dataDirOf(victim))).toContain("state.damaged-1");
  }, 180_000);

  it("is fenced when applying to its state has other effects than elsewhere", async () => {
    const victim = await someFollower();
    await changeState(victim, (store) => store.del("latest", Buffer.from("diverged")));
    await put("diverged", "after"); // creates the key there, and nowhere else

    await fencedAndAlarmed(victim, /effect hashes are not equal/);
    await recovered(victim);
  }, 180_000);

  it("is fenced when a row has changed that nobody touches", async () => {
    const victim = await someFollower();
    await changeState(victim, (store) => store.del("latest", Buffer.from("untouched")));

    await fencedAndAlarmed(victim, /key-values differ/);
    await recovered(victim);
  }, 180_000);

  it("hands its leadership over when it leads", async () => {
    const victim = await leaderOf(cluster, recoveryMaxMs);
    await changeState(victim, (store) => store.del("latest", Buffer.from("other")));
    await moveLeaderTo(victim);
    await put("other", "after");

    await fencedAndAlarmed(victim, /effect hashes are not equal/);
    await recovered(victim);
  }, 180_000);

  async function put(key: string, value: string): Promise<void> {
    await client.put({ key: Buffer.from(key), value: Buffer.from(value) });
  }

  async function someFollower(): Promise<string> {
    const leader = await leaderOf(cluster, recoveryMaxMs);
    return cluster.members.find((name) => name !== leader)!;
  }

  async function moveLeaderTo(name: string): Promise<void> {
    await eventually(`${name} to lead`, { withinMs: recoveryMaxMs, everyMs: 1000 }, async () => {
      await quorate("move-leader", cluster.process(name).memberId!, "--nats-url", cluster.brokerUrl);
      return (await leaderOf(cluster, recoveryMaxMs)) === name;
    });
  }

  async function restartedTwice(name: string): Promise<void> {
    for (let times = 0; times < 2; times += 1) {
      await cluster.tell("kill", name);
      await cluster.tell("start", name);
      await settledMemberStates(cluster, recoveryMaxMs);
    }
  }

  /** Edits the state of a member behind its back. */
  async function changeState(
    name: string,
    change: (batch: ReturnType<RocksKeyValueStore<StateColumn>["batch"]>) => void,
  ): Promise<void> {
    await settledMemberStates(cluster, recoveryMaxMs);
    await cluster.tell("kill", name);
    {
      await using store = await RocksKeyValueStore.open<StateColumn>({
        directory: join(dataDirOf(name), "state"),
        columns: STATE_COLUMNS,
        smallColumns: ["lease", "meta"],
      });
      const batch = store.batch();
      change(batch);
      batch.write({ sync: true });
    }
    await cluster.tell("start", name);
  }

  /** It has ended and stays down, says why, and the alarm names it, while the others serve. */
  async function fencedAndAlarmed(name: string, why: RegExp): Promise<void> {
    const { command, memberId } = cluster.process(name);
    const mark = await eventually(`${name} to fence itself`, { withinMs: recoveryMaxMs }, () =>
      fenceOf(name),
    );
    expect(mark.why).toMatch(why);
    await eventually(`${name} to end`, { withinMs: 20_000 }, () => cluster.process(name).pid === undefined);
    const alarm = { memberID: BigInt(`0x${memberId}`).toString(), alarm: 2 };
    await eventually("the alarm", { withinMs: 20_000 }, async () => (await alarms()).length > 0);
    expect(await alarms()).toEqual([alarm]);
    if (findProgram("etcdctl") !== undefined) {
      const { stdout } = await etcdctl(cluster.address(), { args: ["alarm", "list"] });
      expect(stdout).toBe(`memberID:${alarm.memberID} alarm:CORRUPT \n`);
    }
    await put("while fenced", name);
    const [program, ...args] = command as [string, ...string[]];
    const again = await run(program, args, { timeoutMs: 30_000 });
    expect(again.exitCode).toBe(FENCED);
    expect(again.stdout).toContain(`quorate member recover --data-dir ${dataDirOf(name)}`);
  }

  async function recovered(name: string): Promise<void> {
    const { exitCode, stderr } = await quorate("member", "recover", "--data-dir", dataDirOf(name));
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    await cluster.tell("start", name);
    await eventually(
      "the alarm to go",
      { withinMs: recoveryMaxMs },
      async () => (await alarms()).length === 0,
    );
    const states = await settledMemberStates(cluster, recoveryMaxMs);
    expect(new Set(states.map(({ effectHash }) => effectHash)).size).toBe(1);
  }

  async function alarms(): Promise<{ memberID: string; alarm: number }[]> {
    const answer = await client.call(etcdMethods.alarm, {});
    return (answer.alarms ?? []).map(({ memberID, alarm }) => ({
      memberID: `${memberID}`,
      alarm: Number(alarm),
    }));
  }

  function fenceOf(name: string): { readonly why: string } | undefined {
    const text = readdirSync(dataDirOf(name)).includes("fenced.json")
      ? readFileSync(join(dataDirOf(name), "fenced.json"), "utf8")
      : undefined;
    return text === undefined ? undefined : (JSON.parse(text) as { why: string });
  }

  function dataDirOf(name: string): string {
    return join(cluster.dataDir, name);
  }
});

function quorate(...args: readonly string[]): ReturnType<typeof run> {
  return run(nodeExecutable, [serviceMain("quorate"), ...args], { timeoutMs: 30_000 });
}

/** Flips a bit of every place in the tables of a database where `bytes` stand. */
function flipIn(directory: string, bytes: Uint8Array): void {
  let flipped = 0;
  for (const name of readdirSync(directory).filter((file) => file.endsWith(".sst"))) {
    const path = join(directory, name);
    const content = readFileSync(path);
    for (let at = content.indexOf(bytes); at !== -1; at = content.indexOf(bytes, at + 1)) {
      const file = openSync(path, "r+");
      writeSync(file, Buffer.of(content[at]! ^ 1), 0, 1, at);
      closeSync(file);
      flipped += 1;
    }
  }
  expect(flipped).toBeGreaterThan(0);
}
