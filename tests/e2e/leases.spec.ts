import { prefix, QuorateClient } from "@quorate/client";
import { etcdserverpb } from "@quorate/wire";

import { etcdctl } from "../compatibility/etcdctl-script";
import { CallError, EtcdClient } from "../harness/etcd-client";
import { findProgram } from "../harness/etcd-server";
import { eventually } from "../harness/eventually";
import { settledMemberStates } from "../harness/member-states";
import { NatsCaller } from "../harness/nats-caller";
import { QuorateCluster } from "../harness/quorate-cluster";

const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");
/** For a lease to end after its time is over: the scan, a commit, and a busy machine. */
const GONE_WITHIN_MS = 15_000;

describe("the leases of a cluster", () => {
  let cluster: QuorateCluster;
  let etcdClient: EtcdClient;
  let caller: NatsCaller;
  let client: QuorateClient;

  beforeAll(async () => {
    cluster = await QuorateCluster.start({ members: 3 });
    etcdClient = new EtcdClient({ address: cluster.address() });
    caller = await NatsCaller.connect(cluster.brokerUrl);
    client = await QuorateClient.connect({ cluster: cluster.name, servers: cluster.brokerUrl });
  }, 60_000);

  afterAll(async () => {
    etcdClient?.close();
    await client?.close();
    await caller?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
  }, 30_000);

  async function isGone(name: string): Promise<boolean> {
    return (await client.range(prefix(name), { countOnly: true })).count === 0;
  }

  it("end a while after their TTL, never before, and take all their keys with them at one revision", async () => {
    const from = performance.now();
    const { id, ttlSeconds } = await client.grantLease(2);
    for (const key of ["ends/b", "ends/a", "ends/c"]) await client.put(key, "x", { lease: id });
    const { revision } = await client.put("ends/b", "y", { lease: id });
    expect(ttlSeconds).toBe(2);
    expect(await client.timeToLive(id, { keys: true })).toMatchObject({
      grantedSeconds: 2,
      keys: ["ends/a", "ends/b", "ends/c"].map((key) => new Uint8Array(Buffer.from(key))),
    });
    await eventually("the lease to end", { withinMs: GONE_WITHIN_MS }, () => isGone("ends/"));
    const livedMs = performance.now() - from;

    expect(livedMs).toBeGreaterThan(2000);
    const { keyValues } = await client.range(prefix("ends/"), { revision });
    expect(keyValues).toHaveLength(3);
    expect((await client.range(prefix("ends/"))).revision).toBe(revision + 1);
    expect(await client.timeToLive(id)).toBeUndefined();
    expect(await client.keepAliveOnce(id)).toEqual({ id, ttlSeconds: 0 });
    await expect(client.revokeLease(id)).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: "etcdserver: requested lease not found",
      outcome: "definite",
    });
  }, 40_000);

  it("live as long as they are held, across the loss of the leader", async () => {
    const lease = await client.lease(5);
    await client.put("held/a", "x", { lease: lease.id });
    const { leaderId } = await client.status();
    const leader = cluster.members.find((name) => cluster.process(name).memberId === leaderId.toString(16))!;
    await cluster.tell("kill", leader);
    await cluster.untilWritable(20_000);
    // Twice its TTL, in which only renewals at the new leader keep it.
    const until = performance.now() + 10_000;
    await eventually("twice the TTL to pass", { withinMs: 20_000, everyMs: 250 }, async () => {
      expect(await isGone("held/")).toBe(false);
      return performance.now() > until;
    });
    expect(lease.lost.aborted).toBe(false);
    await cluster.tell("start", leader);
    await lease[Symbol.asyncDispose]();
    expect(await isGone("held/")).toBe(true);
    expect(await client.leases()).not.toContain(lease.id);
  }, 60_000);

  it("are not ended and not confirmed by a leader that was frozen while another one took over", async () => {
    const lease = await client.lease(10); // longer than an election takes, also on a busy machine
    await client.put("frozen/a", "x", { lease: lease.id });
    const { leaderId } = await client.status();
    const leader = cluster.members.find((name) => cluster.process(name).memberId === leaderId.toString(16))!;
    await cluster.tell("pause", leader);
    await cluster.untilWritable(20_000);
    const until = performance.now() + 12_000;
    await eventually("the TTL to pass at the frozen leader", { withinMs: 20_000, everyMs: 250 }, () => {
      return performance.now() > until;
    });
    await cluster.tell("resume", leader);
    await cluster.untilWritable(20_000);
    expect(await isGone("frozen/")).toBe(false);
    expect(lease.lost.aborted).toBe(false);
    await lease.revoke();
    const states = await settledMemberStates(cluster, 20_000);
    expect(new Set(states.map(({ revision }) => revision)).size).toBe(1);
  }, 60_000);

  it("are granted with the id that was asked for, once, and not for longer than can be counted", async () => {
    const granted = await etcdClient.leaseGrant({ TTL: 60, ID: -5 });
    expect(granted).toMatchObject({ error: "" });
    expect([Number(granted.ID), Number(granted.TTL)]).toEqual([-5, 60]);
    await expect(etcdClient.leaseGrant({ TTL: 60, ID: -5 })).rejects.toEqual(
      new CallError(9, "etcdserver: lease already exists", "/etcdserverpb.Lease/LeaseGrant"),
    );
    await expect(etcdClient.leaseGrant({ TTL: 9_000_000_001 })).rejects.toMatchObject({
      code: 11,
      text: "etcdserver: too large lease TTL",
    });
    await expect(etcdClient.put({ key: bytes("k"), lease: 12345 })).rejects.toMatchObject({
      code: 5,
      text: "etcdserver: requested lease not found",
    });
    await etcdClient.leaseRevoke({ ID: -5 });
  });

  it("can be used over NATS with JSON", async () => {
    const subject = (method: string): string => `quorate.${cluster.name}.lease.${method}`;
    const granted = await caller.json(subject("grant"), { TTL: "60", ID: "4711" });
    expect(granted.body).toMatchObject({ ID: "4711", TTL: "60" });
    const renewed = await caller.json(subject("keepalive"), { ID: "4711" });
    expect(renewed.body).toMatchObject({ ID: "4711", TTL: "60" });
    const left = await caller.json(subject("timetolive"), { ID: "4711", keys: true });
    expect(left.body).toMatchObject({ ID: "4711", grantedTTL: "60" });
    const listed = await caller.json(subject("leases"), {});
    expect(listed.body).toHaveProperty("leases", expect.arrayContaining([{ ID: "4711" }]));
    const { LeaseRevokeRequest } = etcdserverpb;
    await caller.request(subject("revoke"), { data: LeaseRevokeRequest.encode({ ID: 4711 }).finish() });
    const gone = await caller.json(subject("keepalive"), { ID: "4711" });
    expect(gone.body).not.toHaveProperty("TTL");
    const again = await caller.json(subject("revoke"), { ID: "4711" });
    expect(again.answer).toMatchObject({ errorCode: 5, errorText: "etcdserver: requested lease not found" });
  });

  it("are renewed many at a time over one gRPC stream", async () => {
    const ids = Array.from({ length: 200 }, (_, at) => 1_000_000 + at);
    await Promise.all(ids.map((ID) => etcdClient.leaseGrant({ TTL: 60, ID })));
    const answers = await etcdClient.leaseKeepAlive([...ids, 999].map((ID) => ({ ID })));
    expect(answers.map(({ ID, TTL }) => [Number(ID), Number(TTL)])).toEqual([
      ...ids.map((id) => [id, 60]),
      [999, 0],
    ]);
    await Promise.all(ids.map((ID) => etcdClient.leaseRevoke({ ID })));
  }, 20_000);

  const whereEtcdctlIs = findProgram("etcdctl") === undefined ? it.skip : it;

  whereEtcdctlIs(
    "do for etcdctl what those of etcd do",
    async () => {
      const run = async (...args: string[]): Promise<string> => {
        const { stdout, stderr, exitCode } = await etcdctl(cluster.address(), { args });
        expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
        return stdout.trim();
      };
      const granted = await run("lease", "grant", "60");
      const id = /^lease ([0-9a-f]{16}) granted with TTL\(60s\)$/.exec(granted)![1]!;
      expect(await run("put", "etcdctl/a", "1", `--lease=${id}`)).toBe("OK");
      expect(await run("lease", "timetolive", id, "--keys")).toMatch(
        new RegExp(
          `^lease ${id} granted with TTL\\(60s\\), remaining\\(5\\ds\\), attached keys\\(\\[etcdctl/a\\]\\)$`,
        ),
      );
      expect(await run("lease", "list")).toContain(id);
      expect(await run("lease", "keep-alive", "--once", id)).toBe(`lease ${id} keepalived with TTL(60)`);
      expect(await run("lease", "revoke", id)).toBe(`lease ${id} revoked`);
      expect(await run("get", "etcdctl/a")).toBe("");
      expect(await run("lease", "timetolive", id)).toBe(`lease ${id} already expired`);
      const short = /^lease ([0-9a-f]{16})/.exec(await run("lease", "grant", "1"))![1]!;
      // Renews until it is killed at the latest; the lease outlives it by its TTL only.
      expect(await run("lease", "keep-alive", "--once", short)).toBe(`lease ${short} keepalived with TTL(2)`);
      await eventually("the lease to end", { withinMs: GONE_WITHIN_MS }, async () =>
        (await run("lease", "timetolive", short)).endsWith("already expired"),
      );
    },
    40_000,
  );
});
