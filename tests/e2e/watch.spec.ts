import { prefix, QuorateClient } from "@quorate/client";

import { EtcdClient } from "../harness/etcd-client";
import { EtcdWatch } from "../harness/etcd-watch";
import { eventually } from "../harness/eventually";
import { leaderOf } from "../harness/member-states";
import { QuorateCluster } from "../harness/quorate-cluster";
import { WriteLoad } from "./write-load";

const recoveryMaxMs = 30_000;
const everything = { key: Buffer.from([0]), rangeEnd: Buffer.from([0]) };

// Goal: a stream that a client opened once gets every change, once and in order, whatever is killed behind its gateway.
// Method: all keys are watched, so the revisions that arrive must have no gap and must hold every acknowledged write.
describe("a watch stream over a cluster of real processes", () => {
  let cluster: QuorateCluster;
  let client: EtcdClient;

  beforeAll(async () => {
    cluster = await QuorateCluster.start({ members: 3, fanouts: 2 });
    client = new EtcdClient({ address: cluster.address() });
  }, 60_000);

  afterAll(async () => {
    client?.close();
    await cluster?.[Symbol.asyncDispose]();
  }, 30_000);

  async function revisionNow(): Promise<number> {
    const { header } = await client.range({ key: Buffer.from("none") });
    return Number(header?.revision);
  }

  async function surviving(name: string, fault: () => Promise<void>): Promise<void> {
    const from = (await revisionNow()) + 1;
    const watch = new EtcdWatch(cluster.address());
    watch.create({ ...everything, startRevision: from, prevKv: true });
    await watch.untilCreated();
    const load = new WriteLoad({ prefix: `watch/${name}/`, writers: 16 }, client);
    await load.untilAcknowledged(200, recoveryMaxMs);
    await fault();
    await load.untilAcknowledged(300, recoveryMaxMs);
    await load.stop();
    await cluster.untilWritable(recoveryMaxMs);
    const to = await revisionNow();
    await eventually(
      `the watcher to hear of revision ${to}`,
      { withinMs: recoveryMaxMs },
      () => Number(watch.events.at(-1)?.kv?.modRevision) >= to,
    );

    const revisions = watch.events.map(({ kv }) => Number(kv?.modRevision));
    expect(watch.ended).toBeUndefined();
    expect(revisions).toEqual(revisions.map((_, at) => from + at));
    const seen = new Map(watch.events.map(({ kv }) => [Number(kv?.modRevision), kv]));
    const missing = load.acknowledged.filter(({ revision, key, value }) => {
      const kv = seen.get(revision);
      return (
        Buffer.from(kv?.key ?? []).toString() !== key || Buffer.from(kv?.value ?? []).toString() !== value
      );
    });
    expect(missing).toEqual([]);
    for (const { kv, prevKv } of watch.events) {
      const isNew = Number(kv?.createRevision) === Number(kv?.modRevision);
      expect(prevKv == null).toBe(isNew);
    }
    process.stderr.write(
      `${name}: ${revisions.length} events in order, ${load.acknowledged.length} acknowledged\n`,
    );
    watch.close();
  }

  it("misses nothing when the leader is killed", async () => {
    const leader = await leaderOf(cluster, recoveryMaxMs);
    await surviving("leader", () => cluster.tell("kill", leader));
    await cluster.tell("start", leader);
  }, 90_000);

  it("misses nothing when its fan-outs are killed and come back", async () => {
    await surviving("fan-outs", async () => {
      for (const name of ["fanout1", "fanout2"]) await cluster.tell("kill", name);
      for (const name of ["fanout1", "fanout2"]) await cluster.tell("start", name);
    });
  }, 90_000);

  it("misses nothing when its fan-out freezes for a while, and another one takes over", async () => {
    await surviving("frozen", async () => {
      await cluster.tell("pause", "fanout1");
      const before = performance.now();
      await eventually("some seconds to pass", { withinMs: 10_000 }, () => performance.now() - before > 4000);
      await cluster.tell("resume", "fanout1");
    });
  }, 90_000);

  it("misses nothing when the broker is killed and comes back", async () => {
    await surviving("broker", async () => {
      await cluster.tell("kill", "broker1");
      await cluster.tell("start", "broker1");
    });
  }, 90_000);

  it("tells applications on NATS the same, whichever fan-out is killed", async () => {
    await using native = await QuorateClient.connect({ servers: cluster.brokerUrl, cluster: cluster.name });
    const watch = native.watch(prefix("native/"), { previous: true });
    await watch.started;
    const seen: string[] = [];
    const listening = (async () => {
      for await (const { keyValue, type } of watch) {
        if (keyValue.keyText === "native/end") return;
        seen.push(`${type} ${keyValue.keyText} ${keyValue.text}`);
      }
    })();
    const told: string[] = [];
    for (let at = 0; at < 300; at += 1) {
      await native.put(`native/${at % 10}`, `${at}`);
      told.push(`put native/${at % 10} ${at}`);
      if (at === 100) await cluster.tell("kill", "fanout1");
      if (at === 150) await cluster.tell("start", "fanout1");
      if (at === 200) await cluster.tell("kill", "fanout2");
    }
    await cluster.tell("start", "fanout2");
    await native.put("native/end", "");
    await listening;
    expect(seen).toEqual(told);
  }, 60_000);

  it("holds what a client does not read, and delivers it when the client reads again", async () => {
    const from = (await revisionNow()) + 1;
    const slow = new EtcdWatch(cluster.address());
    const quick = new EtcdWatch(cluster.address());
    for (const watch of [slow, quick]) {
      watch.create({ ...everything, startRevision: from });
      await watch.untilCreated();
    }
    slow.pause();
    const value = Buffer.alloc(100 * 1024, "x");
    for (let at = 0; at < 60; at += 1) await client.put({ key: Buffer.from(`slow/${at % 7}`), value });
    await eventually("the quick one to be served", { withinMs: 10_000 }, () => quick.events.length >= 60);
    slow.resume();
    await eventually("the slow one to catch up", { withinMs: 10_000 }, () => slow.events.length >= 60);
    const revisions = slow.events.map(({ kv }) => Number(kv?.modRevision));
    expect(revisions).toEqual(revisions.map((_, at) => from + at));
    slow.close();
    quick.close();
  }, 60_000);

  it("ends a stream that needs a leader when there is none for long, and leaves the others open", async () => {
    const needy = new EtcdWatch(cluster.address(), { hasleader: "true" });
    const patient = new EtcdWatch(cluster.address());
    for (const watch of [needy, patient]) {
      watch.create(everything);
      await watch.untilCreated();
    }
    const [first, second] = cluster.members as [string, string];
    await Promise.all([first, second].map((name) => cluster.tell("kill", name)));
    await eventually("the stream to end", { withinMs: 20_000 }, () => needy.ended !== undefined);
    expect(needy.ended).toEqual({ code: 14, text: "etcdserver: no leader" });
    const late = new EtcdWatch(cluster.address(), { hasleader: "true" });
    await eventually("the stream to be refused", { withinMs: 5000 }, () => late.ended !== undefined);
    expect(late.ended).toEqual({ code: 14, text: "etcdserver: no leader" });
    await Promise.all([first, second].map((name) => cluster.tell("start", name)));
    await cluster.untilWritable(recoveryMaxMs);
    await client.put({ key: Buffer.from("after"), value: Buffer.from("all") });
    await eventually("the event behind the outage", { withinMs: recoveryMaxMs }, () =>
      patient.events.some(({ kv }) => Buffer.from(kv?.key ?? []).toString() === "after"),
    );
    expect(patient.ended).toBeUndefined();
    for (const watch of [needy, patient, late]) watch.close();
  }, 90_000);
});
