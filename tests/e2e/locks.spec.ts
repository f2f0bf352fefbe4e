import { connect } from "node:net";
import { connect as connectNats, headers } from "nats";

import { isRunning } from "../harness/child-process";
import { EtcdClient, etcdMethods } from "../harness/etcd-client";
import { eventually } from "../harness/eventually";
import { leaderOf } from "../harness/member-states";
import { NatsCaller } from "../harness/nats-caller";
import { QuorateCluster } from "../harness/quorate-cluster";

const recoveryMaxMs = 30_000;
const base64 = (text: string): string => Buffer.from(text).toString("base64");

// Goal: who waits for a lock gets it, whatever is killed meanwhile, and is out of the way when gone.
describe("locks and elections on a cluster of real processes", () => {
  let cluster: QuorateCluster;
  let client: EtcdClient;
  let nats: NatsCaller;

  beforeAll(async () => {
    cluster = await QuorateCluster.start({ members: 3, fanouts: 2 });
    client = new EtcdClient({ address: cluster.address() });
    nats = await NatsCaller.connect(cluster.brokerUrl);
  }, 60_000);

  afterAll(async () => {
    client?.close();
    await nats?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
  }, 30_000);

  const lock = (name: string, lease: number, deadlineMs = 60_000) =>
    client.call(etcdMethods.lock, { name: Buffer.from(name), lease }, deadlineMs);
  const unlock = (key: string) => client.call(etcdMethods.unlock, { key: Buffer.from(key) }, recoveryMaxMs);
  const subject = (method: string): string => `quorate.${cluster.name}.${method}`;

  async function grant(...ids: number[]): Promise<void> {
    for (const ID of ids) await client.leaseGrant({ ID, TTL: 300 });
  }

  async function contenders(name: string, count: number): Promise<void> {
    await eventually(`${count} contenders for ${name}`, { withinMs: recoveryMaxMs }, async () => {
      const { count: found } = await client.range({
        key: Buffer.from(`${name}/`),
        rangeEnd: Buffer.from(`${name}0`),
      });
      return Number(found) === count;
    });
  }

  async function waitingThrough(name: string, lease: number, fault: () => Promise<void>): Promise<void> {
    await grant(lease, lease + 1);
    await lock(name, lease);
    const second = lock(name, lease + 1);
    await contenders(name, 2);
    await fault();
    await cluster.untilWritable(recoveryMaxMs);
    await unlock(`${name}/${lease.toString(16)}`);
    expect(Buffer.from((await second).key).toString()).toBe(`${name}/${(lease + 1).toString(16)}`);
  }

  it("gives a lock to who waited while the leader was killed", async () => {
    const leader = await leaderOf(cluster, recoveryMaxMs);
    await waitingThrough("leader", 0x10, () => cluster.tell("kill", leader));
    await cluster.tell("start", leader);
  }, 90_000);

  it("gives a lock to who waited while all fan-outs were killed", async () => {
    await waitingThrough("fanouts", 0x20, async () => {
      for (const fanout of ["fanout1", "fanout2"]) await cluster.tell("kill", fanout);
      for (const fanout of ["fanout1", "fanout2"]) await cluster.tell("start", fanout);
    });
  }, 90_000);

  it("lets no place be held by a connection that is gone, or has said its last", async () => {
    await grant(0x30, 0x31, 0x32);
    await lock("gone", 0x30);
    const { hostname, port } = new URL(`http://${cluster.address()}`);
    const ask = (lease: number) => {
      const body = JSON.stringify({ name: base64("gone"), lease });
      const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
      socket.write(`POST /v3/lock/lock HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      socket.on("error", () => undefined);
      return socket;
    };
    const [broken, ended] = [ask(0x31), ask(0x32)];
    await contenders("gone", 3);
    broken.destroy();
    await contenders("gone", 2);
    ended.end();
    await contenders("gone", 1);
    ended.destroy();
    await unlock("gone/30");
  }, 60_000);

  it("serves them over NATS, in JSON and in protobuf, for as long as the caller says that it waits", async () => {
    await grant(0x40, 0x41);
    const asked = { name: base64("nats"), lease: "64" };
    const { body } = await nats.json(subject("lock.lock"), asked);
    expect(body).toMatchObject({ key: base64("nats/40") });

    const connection = await connectNats({ servers: cluster.brokerUrl, name: "tests" });
    const late = headers();
    late.set("Content-Type", "application/json");
    late.set("Grpc-Timeout", "500m");
    const waiting = await connection.request(
      subject("lock.lock"),
      JSON.stringify({ ...asked, lease: "65" }),
      {
        timeout: 10_000,
        headers: late,
      },
    );
    await connection.close();
    expect(waiting.headers?.get("Nats-Service-Error")).toBe("context deadline exceeded");
    await contenders("nats", 1);

    const unlockRequest = etcdMethods.unlock.encode({ key: Buffer.from("nats/40") });
    expect((await nats.request(subject("lock.unlock"), { data: unlockRequest })).errorCode).toBe(0);
    await contenders("nats", 0);
  }, 60_000);

  it("elects, proclaims and resigns over NATS", async () => {
    await grant(0x50);
    const name = base64("poll");
    const won = await nats.json(subject("election.campaign"), { name, lease: "80", value: base64("me") });
    const { leader } = won.body as { leader: object };
    expect(leader).toMatchObject({ name, key: base64("poll/50"), lease: "80" });
    await nats.json(subject("election.proclaim"), { leader, value: base64("still me") });
    const shown = await nats.json(subject("election.leader"), { name });
    expect(shown.body).toMatchObject({ kv: { value: base64("still me") } });
    await nats.json(subject("election.resign"), { leader });
    const { answer } = await nats.json(subject("election.leader"), { name });
    expect(answer).toMatchObject({ errorCode: 2, errorText: "election: no leader" });
  }, 60_000);

  it("gives the places of its callers up when the gateway stops, and tells them to go elsewhere", async () => {
    await grant(0x60, 0x61);
    await lock("stop", 0x60);
    const second = lock("stop", 0x61).catch((error: unknown) => error);
    await contenders("stop", 2);
    const { pid = 0 } = cluster.process("gateway1");
    process.kill(pid, "SIGTERM");
    expect(await second).toMatchObject({ code: 14, text: "etcdserver: server stopped" });
    await eventually("the gateway to end", { withinMs: 10_000 }, () => !isRunning(pid));
    // The supervisor starts another one by itself.
    await cluster.untilWritable(recoveryMaxMs);
    await contenders("stop", 1);
  }, 60_000);
});
