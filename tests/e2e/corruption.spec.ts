import { randomBytes } from "node:crypto";
import { closeSync, openSync, readdirSync, readFileSync, writeFileSync, writeSync } from "node:fs";
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

const SCRUB = ["--scrub-interval", "6s"];
const NO_SCRUB = ["--scrub-interval", "0"];
const HASH_CHECK = ["--corrupt-check-time", "5s"];
const NO_HASH_CHECK = ["--corrupt-check-time", "0"];

// Goal: damage on one member is found, that member ends, the others go on, and one command brings it back.
describe("a member with damaged data", () => {
  let bench: DamageBench;

  beforeAll(async () => {
    bench = await DamageBench.start(...SCRUB, ...NO_HASH_CHECK);
    for (const name of ["diverged", "other"]) await bench.put(name, "before");
  }, 60_000);

  afterAll(async () => {
    await bench?.[Symbol.asyncDispose]();
  }, 30_000);

  it("is fenced by its scrub when a block of its state is damaged, and recovered by one command", async () => {
    const { cluster } = bench;
    const value = randomBytes(64 * 1024); // cannot be compressed: it stands in the table as it is
    await bench.client.put({ key: Buffer.from("damaged"), value });
    const victim = await bench.someFollower();
    await bench.restartedTwice(victim); // the second start finds everything in tables
    await cluster.tell("kill", victim);
    flipIn(join(bench.dataDirOf(victim), "state"), value.subarray(1000, 1032));
    await cluster.tell("start", victim);

    await bench.fencedAndAlarmed(victim, /database in .*state is damaged/);
    await bench.recovered(victim);
    expect(readdirSync(bench.dataDirOf(victim))).toContain("state.damaged-1");
  }, 180_000);

  it("is fenced when applying to its state has other effects than elsewhere", async () => {
    const victim = await bench.someFollower();
    await bench.changeState(victim, (batch) => batch.del("latest", Buffer.from("diverged")));
    await bench.put("diverged", "after"); // creates the key there, and nowhere else

    await bench.fencedAndAlarmed(victim, /effect hashes are not equal/);
    await bench.recovered(victim);
  }, 180_000);

  it("is fenced when its state does not even open", async () => {
    const victim = await bench.someFollower();
    await bench.cluster.tell("kill", victim);
    writeFileSync(join(bench.dataDirOf(victim), "state", "CURRENT"), "MANIFEST-that-is-not-there\n");
    await bench.cluster.tell("start", victim);

    await bench.fencedAndAlarmed(victim, /database in .*state is damaged/);
    await bench.recovered(victim);
  }, 180_000);

  it("hands its leadership over when it leads", async () => {
    const victim = await leaderOf(bench.cluster, recoveryMaxMs);
    await bench.changeState(victim, (batch) => batch.del("latest", Buffer.from("other")));
    await bench.moveLeaderTo(victim);
    await bench.put("other", "after");

    await bench.fencedAndAlarmed(victim, /effect hashes are not equal/);
    await bench.recovered(victim);
  }, 180_000);
});

describe("a member with a row that is not what was written, and that nobody touches", () => {
  it("is fenced when the leader compares all key-values", async () => {
    await using bench = await DamageBench.start(...NO_SCRUB, ...HASH_CHECK);
    for (const name of ["untouched", "other"]) await bench.put(name, "before");
    const victim = await bench.someFollower();
    await bench.changeState(victim, (batch) => batch.del("latest", Buffer.from("untouched")));

    await bench.fencedAndAlarmed(victim, /key-values differ/);
    await bench.recovered(victim);
  }, 240_000);
});

/** A cluster of three, with what it takes to damage a member, see it fenced, and bring it back. */
class DamageBench implements AsyncDisposable {
  private constructor(
    readonly cluster: QuorateCluster,
    readonly client: EtcdClient,
  ) {}

  static async start(...flags: readonly string[]): Promise<DamageBench> {
    const cluster = await QuorateCluster.start({ members: 3, flags });
    return new DamageBench(cluster, new EtcdClient({ address: cluster.address() }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    await this.cluster[Symbol.asyncDispose]();
  }

  async put(key: string, value: string): Promise<void> {
    await this.client.put({ key: Buffer.from(key), value: Buffer.from(value) });
  }

  async someFollower(): Promise<string> {
    const leader = await leaderOf(this.cluster, recoveryMaxMs);
    return this.cluster.members.find((name) => name !== leader)!;
  }

  async moveLeaderTo(name: string): Promise<void> {
    await eventually(`${name} to lead`, { withinMs: recoveryMaxMs, everyMs: 1000 }, async () => {
      await quorate(
        "move-leader",
        this.cluster.process(name).memberId!,
        "--nats-url",
        this.cluster.brokerUrl,
      );
      return (await leaderOf(this.cluster, recoveryMaxMs)) === name;
    });
  }

  async restartedTwice(name: string): Promise<void> {
    for (let times = 0; times < 2; times += 1) {
      await this.cluster.tell("kill", name);
      await this.cluster.tell("start", name);
      await settledMemberStates(this.cluster, recoveryMaxMs);
    }
  }

  /** Edits the state of a member behind its back. */
  async changeState(
    name: string,
    change: (batch: ReturnType<RocksKeyValueStore<StateColumn>["batch"]>) => void,
  ): Promise<void> {
    await settledMemberStates(this.cluster, recoveryMaxMs);
    await this.cluster.tell("kill", name);
    {
      await using store = await RocksKeyValueStore.open<StateColumn>({
        directory: join(this.dataDirOf(name), "state"),
        columns: STATE_COLUMNS,
        smallColumns: ["lease", "meta"],
      });
      const batch = store.batch();
      change(batch);
      batch.write({ sync: true });
    }
    await this.cluster.tell("start", name);
  }

  /** It has ended and stays down, says why, and the alarm names it, while the others serve. */
  async fencedAndAlarmed(name: string, why: RegExp): Promise<void> {
    const { command, memberId } = this.cluster.process(name);
    const mark = await eventually(`${name} to fence itself`, { withinMs: recoveryMaxMs }, () =>
      this.fenceOf(name),
    );
    expect(mark.why).toMatch(why);
    await eventually(
      `${name} to end`,
      { withinMs: 20_000 },
      () => this.cluster.process(name).pid === undefined,
    );
    const alarm = { memberID: BigInt(`0x${memberId}`).toString(), alarm: 2 };
    await eventually("the alarm", { withinMs: 20_000 }, async () => (await this.alarms()).length > 0);
    expect(await this.alarms()).toEqual([alarm]);
    if (findProgram("etcdctl") !== undefined) {
      const { stdout } = await etcdctl(this.cluster.address(), { args: ["alarm", "list"] });
      expect(stdout).toBe(`memberID:${alarm.memberID} alarm:CORRUPT \n`);
    }
    await this.put("while fenced", name);
    const [program, ...args] = command as [string, ...string[]];
    const again = await run(program, args, { timeoutMs: 30_000 });
    expect(again.exitCode).toBe(FENCED);
    expect(again.stdout).toContain(`quorate member recover --data-dir ${this.dataDirOf(name)}`);
  }

  async recovered(name: string): Promise<void> {
    const { exitCode, stderr } = await quorate("member", "recover", "--data-dir", this.dataDirOf(name));
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    await this.cluster.tell("start", name);
    await eventually(
      "the alarm to go",
      { withinMs: recoveryMaxMs },
      async () => (await this.alarms()).length === 0,
    );
    const states = await settledMemberStates(this.cluster, recoveryMaxMs);
    expect(new Set(states.map(({ effectHash }) => effectHash)).size).toBe(1);
  }

  async alarms(): Promise<{ memberID: string; alarm: number }[]> {
    const answer = await this.client.call(etcdMethods.alarm, {});
    return (answer.alarms ?? []).map(({ memberID, alarm }) => ({
      memberID: `${memberID}`,
      alarm: Number(alarm),
    }));
  }

  fenceOf(name: string): { readonly why: string } | undefined {
    const text = readdirSync(this.dataDirOf(name)).includes("fenced.json")
      ? readFileSync(join(this.dataDirOf(name), "fenced.json"), "utf8")
      : undefined;
    return text === undefined ? undefined : (JSON.parse(text) as { why: string });
  }

  dataDirOf(name: string): string {
    return join(this.cluster.dataDir, name);
  }
}

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
