import type { CallError, EtcdClient } from "../harness/etcd-client";
import { eventually } from "../harness/eventually";
import { leaderOf } from "../harness/member-states";
import type { QuorateCluster } from "../harness/quorate-cluster";
import { LoadedCluster } from "./loaded-cluster";
import type { WriteLoad } from "./write-load";

const unavailable = 14;
/** What etcd says when a quorum is missing (etcd: api/v3rpc/rpctypes/error.go). */
const withoutQuorumTexts = [
  "etcdserver: no leader",
  "etcdserver: leader changed",
  "etcdserver: request timed out",
  "etcdserver: request timed out, possibly due to previous leader failure",
  "etcdserver: request timed out, possibly due to connection lost",
];
const recoveryMaxMs = 20_000;

// One cluster goes through all of it, one fault after the other: what an earlier fault broke, a later one shows.
describe("a cluster of three members", () => {
  let scene: LoadedCluster;
  let cluster: QuorateCluster;
  let client: EtcdClient;

  beforeAll(async () => {
    scene = await LoadedCluster.start({ members: 3 }, recoveryMaxMs);
    ({ cluster, client } = scene);
  }, 60_000);

  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]();
  }, 30_000);

  it("loses no acknowledged write when its leader is killed under load", async () => {
    const load = scene.load("leader-killed/", 32);
    await load.untilAcknowledged(200, recoveryMaxMs);
    const leader = await leaderOf(cluster, recoveryMaxMs);
    await cluster.tell("kill", leader);
    await load.untilAcknowledged(200, recoveryMaxMs);
    await load.stop();
    report("leader killed", load);

    expect(await load.violations()).toEqual([]);
    expect(await leaderOf(cluster, recoveryMaxMs)).not.toBe(leader);
    expect(unexpected(load)).toEqual([]);
    await cluster.tell("start", leader);
    await scene.expectAllAlike();
  }, 90_000);

  it("goes on when its leader is paused, and the old leader does not answer with what it knew", async () => {
    const key = Buffer.from("paused");
    await client.put({ key, value: Buffer.from("before") });
    const leader = await leaderOf(cluster, recoveryMaxMs);
    const load = scene.load("leader-paused/", 8);
    await load.untilAcknowledged(100, recoveryMaxMs);
    await cluster.tell("pause", leader);
    await load.untilAcknowledged(100, recoveryMaxMs);
    await eventually("a write without the paused member", { withinMs: recoveryMaxMs }, () =>
      client.put({ key, value: Buffer.from("after") }),
    );
    await cluster.tell("resume", leader);
    const reads = await Promise.all(Array.from({ length: 50 }, () => client.range({ key })));
    await load.untilAcknowledged(100, recoveryMaxMs);
    await load.stop();
    report("leader paused", load);

    expect(new Set(reads.map(({ kvs }) => Buffer.from(kvs[0]?.value ?? []).toString()))).toEqual(
      new Set(["after"]),
    );
    expect(await load.violations()).toEqual([]);
    await scene.expectAllAlike();
  }, 90_000);

  it("serves without one member, and without two answers only serializable reads until they are back", async () => {
    const load = scene.load("members-lost/", 4);
    await load.untilAcknowledged(50, recoveryMaxMs);
    const leader = await leaderOf(cluster, recoveryMaxMs);
    const [first, second] = cluster.members.filter((name) => name !== leader) as [string, string];

    await cluster.tell("kill", first);
    await load.untilAcknowledged(100, recoveryMaxMs);
    await load.stop();
    expect(load.failed).toEqual([]);

    await cluster.tell("kill", second);
    const key = Buffer.from("members-lost/0/0");
    const from = performance.now();
    const [write, read, stale] = await Promise.all([
      outcome(client.put({ key: Buffer.from("members-lost-write"), value: key })),
      outcome(client.range({ key })),
      outcome(client.range({ key, serializable: true })),
    ]);
    const refusedAfterMs = performance.now() - from;

    expect(write).toMatchObject({ code: unavailable });
    expect(withoutQuorumTexts).toContain((write as CallError).text);
    expect(read).toMatchObject({ code: unavailable });
    expect(withoutQuorumTexts).toContain((read as CallError).text);
    expect(refusedAfterMs).toBeLessThan(12_000);
    expect(stale).toHaveProperty("kvs.0.key");

    await Promise.all([first, second].map((name) => cluster.tell("start", name)));
    const backAfterMs = await cluster.untilWritable(recoveryMaxMs);
    process.stderr.write(
      `majority lost: refused after ${ms(refusedAfterMs)}, back ${ms(backAfterMs)} after the start\n`,
    );
    expect(await load.violations()).toEqual([]);
    await scene.expectAllAlike();
  }, 90_000);

  it("loses nothing when all its members are killed at once", async () => {
    const load = scene.load("all-killed/", 8);
    await load.untilAcknowledged(300, recoveryMaxMs);
    await Promise.all(cluster.members.map((name) => cluster.tell("kill", name)));
    await Promise.all(cluster.members.map((name) => cluster.tell("start", name)));
    await load.untilAcknowledged(100, recoveryMaxMs);
    await load.stop();
    report("all members killed", load);

    expect(await load.violations()).toEqual([]);
    await scene.expectAllAlike();
  }, 90_000);

  it("comes back by itself when the broker does, with the same processes and everything acknowledged", async () => {
    const pids = () =>
      cluster.processes
        .filter(({ service }) => service !== "nats-server")
        .map(({ name, pid }) => `${name} ${pid}`);
    const before = pids();
    const load = scene.load("broker-restarted/", 8);
    await load.untilAcknowledged(200, recoveryMaxMs);
    await cluster.tell("kill", "broker1");
    await cluster.tell("start", "broker1");
    await load.untilAcknowledged(200, recoveryMaxMs);
    await load.stop();
    report("broker restarted", load);

    expect(await load.violations()).toEqual([]);
    expect(pids()).toEqual(before);
    await scene.expectAllAlike();
  }, 90_000);
});

async function outcome<T>(call: Promise<T>): Promise<T | CallError> {
  return call.catch((error: unknown) => error as CallError);
}

/** Failures that etcd's clients would not understand: only an unknown outcome may be reported while a leader is missing. */
function unexpected(load: WriteLoad): string[] {
  return load.failed
    .filter(({ code, text }) => code !== unavailable || !withoutQuorumTexts.includes(text))
    .map(({ code, text }) => `${code} ${text}`);
}

function report(fault: string, load: WriteLoad): void {
  const texts = new Map<string, number>();
  for (const { text } of load.failed) texts.set(text, (texts.get(text) ?? 0) + 1);
  const failures = [...texts].map(([text, count]) => `${count} x "${text}"`).join(", ");
  process.stderr.write(
    `${fault}: ${load.acknowledged.length} writes acknowledged, longest gap ${ms(load.longestGapMs())}` +
      `${failures === "" ? "" : `, without answer: ${failures}`}\n`,
  );
}

function ms(duration: number): string {
  return `${Math.round(duration)} ms`;
}
