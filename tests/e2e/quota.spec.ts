import { QuorateClient } from "@quorate/client";
import { etcdserverpb } from "@quorate/wire";

import { run } from "../harness/child-process";
import { CallError, EtcdClient, etcdMethods } from "../harness/etcd-client";
import { eventually } from "../harness/eventually";
import { HttpCaller } from "../harness/http-caller";
import { NatsCaller } from "../harness/nats-caller";
import { QuorateCluster } from "../harness/quorate-cluster";
import { nodeExecutable, serviceMain } from "../harness/repository";

const QUOTA_BYTES = 1024 * 1024;
const VALUE = Buffer.alloc(64 * 1024, 120);
const NO_SPACE = { code: 8, text: "etcdserver: mvcc: database space exceeded" };
const CLEARED_WITHIN_MS = 15_000;

/** A cluster with a small quota, and every way to talk to it. */
class Bench implements AsyncDisposable {
  private constructor(
    readonly cluster: QuorateCluster,
    readonly etcd: EtcdClient,
    readonly nats: NatsCaller,
    readonly client: QuorateClient,
  ) {}

  static async start(members: number, clearing: "auto" | "manual"): Promise<Bench> {
    const flags = ["--quota-backend-bytes", `${QUOTA_BYTES}`, "--alarm-clear", clearing];
    const cluster = await QuorateCluster.start({ members, flags });
    return new Bench(
      cluster,
      new EtcdClient({ address: cluster.address() }),
      await NatsCaller.connect(cluster.brokerUrl),
      await QuorateClient.connect({ cluster: cluster.name, servers: cluster.brokerUrl }),
    );
  }

  get http(): HttpCaller {
    return new HttpCaller(this.cluster.address());
  }

  /** Overwrites one key until there is no space any more. */
  async fill(): Promise<unknown> {
    for (let count = 0; count < 2 * (QUOTA_BYTES / VALUE.length); count += 1) {
      const error = await this.etcd.put({ key: Buffer.from("fill"), value: VALUE }).then(
        () => undefined,
        (caught: unknown) => caught,
      );
      if (error !== undefined) return error;
    }
    throw new Error("The quota has no effect");
  }

  /** Deletes and compacts all that `fill` has written. */
  async empty(): Promise<void> {
    const { header } = await this.etcd.deleteRange({ key: Buffer.from("fill") });
    await this.etcd.compact({ revision: header!.revision!, physical: true });
  }

  put(): Promise<unknown> {
    return this.etcd.put({ key: Buffer.from("small"), value: Buffer.from("v") });
  }

  quorate(
    ...args: readonly string[]
  ): Promise<{ readonly stdout: string; readonly exitCode: number | null }> {
    const flags = ["--data-dir", this.cluster.dataDir];
    return run(nodeExecutable, [serviceMain("quorate"), ...args, ...flags], { timeoutMs: 15_000 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.etcd.close();
    await this.client.close();
    await this.nats[Symbol.asyncDispose]();
    await this.cluster[Symbol.asyncDispose]();
  }
}

describe("a cluster with a small quota", () => {
  let bench: Bench;

  beforeAll(async () => {
    bench = await Bench.start(3, "auto");
  }, 60_000);

  afterAll(() => bench?.[Symbol.asyncDispose](), 30_000);

  it("refuses writes through every door once it is full, and serves what takes no space", async () => {
    const { cluster, etcd, http, nats, client } = bench;
    const error = await bench.fill();

    expect(error).toBeInstanceOf(CallError);
    expect(error).toMatchObject(NO_SPACE);
    const key = Buffer.from("k").toString("base64");
    expect(await http.post("/v3/kv/put", { key })).toMatchObject({
      status: 429,
      json: { code: NO_SPACE.code, message: NO_SPACE.text },
    });
    const put = { data: etcdserverpb.PutRequest.encode({ key: Buffer.from("k") }).finish() };
    expect(await nats.request(`quorate.${cluster.name}.kv.put`, put)).toMatchObject({
      errorCode: NO_SPACE.code,
      errorText: NO_SPACE.text,
    });
    await expect(client.put("k", "v")).rejects.toMatchObject({
      code: "RESOURCE_EXHAUSTED",
      outcome: "definite",
    });
    await expect(etcd.leaseGrant({ TTL: 60 })).rejects.toMatchObject(NO_SPACE);
    await expect(etcd.txn({ failure: [{ requestPut: { key: Buffer.from("k") } }] })).rejects.toMatchObject(
      NO_SPACE,
    );
    expect((await etcd.range({ key: Buffer.from("fill") })).kvs).toHaveLength(1);
    await etcd.deleteRange({ key: Buffer.from("nothing") });
  }, 60_000);

  it("shows the alarm and its size wherever somebody may look", async () => {
    const { cluster, etcd, http, nats, client } = bench;
    const [alarm, ...others] = await client.alarms();
    expect(others).toEqual([]);
    expect(alarm?.type).toBe("NOSPACE");
    const text = `memberID:${alarm!.memberId} alarm:NOSPACE`;

    const status = await etcd.status();
    expect(status.errors.map((line) => line.trim())).toEqual([text]);
    expect(Number(status.dbSizeQuota)).toBe(QUOTA_BYTES);
    expect(Number(status.dbSizeInUse)).toBeGreaterThan(QUOTA_BYTES * 0.9);
    expect(Number(status.dbSizeInUse)).toBeLessThan(QUOTA_BYTES * 1.2);
    expect(Number(status.dbSize)).toBeGreaterThanOrEqual(Number(status.dbSizeInUse));
    expect((await http.post("/v3/maintenance/alarm", {})).json).toMatchObject({
      alarms: [{ memberID: `${alarm!.memberId}`, alarm: "NOSPACE" }],
    });
    const { body } = await nats.json(`quorate.${cluster.name}.maintenance.alarm`, {});
    expect(body).toMatchObject({ alarms: [{ alarm: "NOSPACE" }] });
    expect(await http.get("/health")).toMatchObject({
      status: 503,
      json: { health: "false", reason: "ALARM NOSPACE" },
    });
    expect((await http.get("/health?exclude=NOSPACE")).status).toBe(200);
    expect((await http.get("/readyz")).status).toBe(200);
    expect((await bench.quorate("alarm", "list")).stdout).toBe(`${text}\n`);
  }, 30_000);

  it("keeps the alarm while its leader changes and members restart", async () => {
    const { cluster, client, etcd } = bench;
    const leader = (await client.status()).leaderId;
    const name = cluster.processes.find(({ memberId }) => memberId === leader.toString(16))!.name;
    await cluster.tell("kill", name);
    await cluster.tell("start", name);
    await eventually("reads to be served again", { withinMs: 20_000 }, () => client.get("fill"));
    await expect(bench.put()).rejects.toMatchObject(NO_SPACE);
    expect((await etcd.call(etcdMethods.alarm, {})).alarms).toHaveLength(1);
  }, 60_000);

  it("takes writes again by itself once space was given back, time after time", async () => {
    for (let round = 0; round < 2; round += 1) {
      await bench.empty();
      await eventually("a write to be taken", { withinMs: CLEARED_WITHIN_MS }, () => bench.put());
      expect(await bench.client.alarms()).toEqual([]);
      expect((await bench.http.get("/health")).status).toBe(200);
      expect(await bench.fill()).toMatchObject(NO_SPACE);
    }
  }, 60_000);
});

describe("a cluster whose alarms are cleared by hand", () => {
  let bench: Bench;

  beforeAll(async () => {
    bench = await Bench.start(1, "manual");
  }, 60_000);

  afterAll(() => bench?.[Symbol.asyncDispose](), 30_000);

  it("refuses writes with space to spare, until somebody disarms it", async () => {
    expect(await bench.fill()).toMatchObject(NO_SPACE);
    await bench.empty();
    expect(Number((await bench.etcd.status()).dbSizeInUse)).toBeLessThan(QUOTA_BYTES / 2);
    await bench.cluster.tell("kill", "n1");
    await bench.cluster.tell("start", "n1");
    await eventually("reads to be served again", { withinMs: 20_000 }, () => bench.client.status());
    await expect(bench.put()).rejects.toMatchObject(NO_SPACE);

    const disarmed = await bench.quorate("alarm", "disarm");
    expect(disarmed).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^memberID:\d+ alarm:NOSPACE\n$/) as string,
    });
    expect((await bench.quorate("alarm", "list")).stdout).toBe("");
    await bench.put();
  }, 60_000);

  it("is not ready while it is taken for corrupt, and refuses whatever changes anything", async () => {
    const { etcd, http } = bench;
    const corrupt = { alarm: etcdserverpb.AlarmType.CORRUPT, memberID: 1 };
    const { ACTIVATE, DEACTIVATE } = etcdserverpb.AlarmRequest.AlarmAction;
    await etcd.call(etcdMethods.alarm, { ...corrupt, action: ACTIVATE });

    await expect(bench.put()).rejects.toMatchObject({ code: 15, text: "etcdserver: corrupt cluster" });
    await expect(etcd.deleteRange({ key: Buffer.from("small") })).rejects.toMatchObject({ code: 15 });
    expect((await http.get("/health")).json).toMatchObject({ reason: "ALARM CORRUPT" });
    const { status, text } = await http.get("/readyz");
    expect([status, text]).toEqual([
      503,
      expect.stringMatching(/\[-\]data_corruption failed: alarm CORRUPT/),
    ]);

    await etcd.call(etcdMethods.alarm, { ...corrupt, action: DEACTIVATE });
    await bench.put();
    expect((await http.get("/readyz")).text).toBe("ok\n");
  }, 30_000);
});
