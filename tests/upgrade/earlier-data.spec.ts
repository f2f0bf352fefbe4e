import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import type { MemberId } from "@quorate/raft";
import { STATE_COLUMNS } from "@quorate/state-machine";
import { RocksKeyValueStore } from "@quorate/storage-rocksdb";
import { encodePeerEnvelope, parseClusterName, Subjects } from "@quorate/wire";
import { run, type Finished } from "../harness/child-process";
import { EtcdClient, etcdMethods } from "../harness/etcd-client";
import { eventually } from "../harness/eventually";
import { settledMemberStates } from "../harness/member-states";
import { NatsCaller } from "../harness/nats-caller";
import { QuorateCluster } from "../harness/quorate-cluster";
import { repositoryRoot } from "../harness/repository";
import { temporaryFolder, type TemporaryFolder } from "../harness/temporary-folder";
import { errorOfPast, observe, type Observation } from "./data-scene";

const packed = join(repositoryRoot, "tests/upgrade/data");
const unsupportedVersion = 78;

/** Packed by `make-data.ts`: the directories of all members of a cluster, and what it said of its data. */
async function unpacked(name: string): Promise<TemporaryFolder> {
  const folder = await temporaryFolder(`data-${name}`);
  const { exitCode, stderr } = await run("tar", ["-xzf", join(packed, name), "-C", folder.path], {
    timeoutMs: 30_000,
  });
  expect([exitCode, stderr]).toEqual([0, ""]);
  return folder;
}

function expectedOf(folder: TemporaryFolder): Observation {
  return JSON.parse(readFileSync(join(folder.path, "expected.json"), "utf8")) as Observation;
}

describe.each(readdirSync(packed))("data that an earlier build has written: %s", (name) => {
  const members = Number(/-(\d)\./.exec(name)?.[1]);
  let cluster: QuorateCluster;
  let client: EtcdClient;
  let expected: Observation;

  beforeAll(async () => {
    const folder = await unpacked(name);
    expected = expectedOf(folder);
    cluster = await QuorateCluster.start({ members, folder, keepData: true });
    client = new EtcdClient({ address: cluster.address() });
  }, 60_000);

  afterAll(async () => {
    client?.close();
    await cluster?.[Symbol.asyncDispose]();
  }, 30_000);

  it("say what they said: keys at every revision, events, leases, members", async () => {
    expect(await observe(client, cluster.address(), expected)).toEqual(expected);
    expect(await errorOfPast(client, expected.compactRevision - 1)).toBe(
      "etcdserver: mvcc: required revision has been compacted",
    );
  }, 30_000);

  it("are written on, on every member alike, once the cluster version is raised", async () => {
    await eventually("the cluster version to be raised", { withinMs: 20_000 }, async () =>
      (await client.status()).storageVersion.endsWith("+quorate.2"),
    );
    const { header } = await client.put({ key: Buffer.from("scene/2"), value: Buffer.from("after") });
    expect(Number(header?.revision)).toBeGreaterThan(expected.revision);
    await client.call(etcdMethods.leaseRevoke, { ID: 71 });
    await client.compact({ revision: expected.revision });
    const { kvs } = await client.range({ key: Buffer.from("leased/"), rangeEnd: Buffer.from("leased0") });
    expect(kvs.map(({ key }) => Buffer.from(key ?? []).toString())).toEqual(["leased/71/b"]);
    const states = await settledMemberStates(cluster, 20_000);
    expect(new Set(states.map(({ effectHash }) => effectHash)).size).toBe(1);
  }, 60_000);

  it("are there after all members were killed and started anew", async () => {
    for (const member of cluster.members) await cluster.tell("kill", member);
    for (const member of cluster.members) await cluster.tell("start", member);
    await cluster.untilWritable(30_000);
    const { kvs } = await client.range({ key: Buffer.from("scene/2") });
    expect(Buffer.from(kvs[0]?.value ?? []).toString()).toBe("after");
  }, 60_000);
});

describe("a member whose data are of a newer build", () => {
  let cluster: QuorateCluster;

  beforeAll(async () => {
    const folder = await unpacked(readdirSync(packed).find((name) => name.includes("-1."))!);
    cluster = await QuorateCluster.start({ members: 1, folder, keepData: true });
    await cluster.tell("kill", "n1");
  }, 60_000);

  afterAll(() => cluster?.[Symbol.asyncDispose](), 30_000);

  async function rowOf(key: string, change: (row: Uint8Array) => Uint8Array): Promise<Uint8Array> {
    await using store = await RocksKeyValueStore.open({
      directory: join(cluster.dataDir, "n1/state"),
      columns: STATE_COLUMNS,
    });
    const row = new Uint8Array(store.get("meta", Buffer.from(key))!);
    const batch = store.batch();
    batch.put("meta", Buffer.from(key), change(row));
    batch.write({ sync: true });
    return row;
  }

  const nextFormat = (row: Uint8Array): Uint8Array => row.with(7, row[7]! + 1);
  const laterVersion = (row: Uint8Array): Uint8Array =>
    Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(row).toString()), format: 2, clusterVersion: 9 }));

  it.each<[string, string, (row: Uint8Array) => Uint8Array, RegExp]>([
    ["format", "format", nextFormat, /A newer build wrote the state in format 2.*Nothing was changed/],
    ["cluster version", "membership", laterVersion, /The cluster is at version 9, and this build applies/],
  ])(
    "refuses to start with their %s, says why, and starts when it is another",
    async (_what, key, change, text) => {
      const before = await rowOf(key, change);
      const [program = "", ...args] = cluster.process("n1").command;
      const { exitCode, stdout, stderr } = await run(program, args, { timeoutMs: 20_000 });
      expect([exitCode, stdout + stderr]).toEqual([unsupportedVersion, expect.stringMatching(text)]);
      await rowOf(key, () => before);
      await cluster.tell("start", "n1");
      await cluster.untilWritable(20_000);
      await cluster.tell("kill", "n1");
    },
    60_000,
  );

  it("ends, and says why, when it hears that the others are at a version that it cannot apply", async () => {
    const { name, memberId, command } = cluster.process("n1");
    const [self, other] = [BigInt(`0x${memberId}`), 77n];
    const topology = readFileSync(join(cluster.dataDir, "topology.json"), "utf8");
    const { clusterId } = JSON.parse(topology) as { readonly clusterId: string };
    const envelope = encodePeerEnvelope({
      clusterId: BigInt(`0x${clusterId}`),
      from: other as MemberId,
      to: self as MemberId,
      incarnation: 1,
      bootNonce: 1,
      group: 0,
      messages: [],
      clusterVersion: 9,
    });
    const subject = new Subjects(parseClusterName(cluster.name)).raft(other, self);
    await using caller = await NatsCaller.connect(cluster.brokerUrl);
    const [program = "", ...args] = command;
    let ended: Finished | undefined;
    void run(program, args, { timeoutMs: 20_000 }).then((finished) => (ended = finished));
    await eventually(`${name} to end`, { withinMs: 20_000, everyMs: 100 }, async () => {
      await caller.request(subject, { data: envelope }, 50).catch(() => undefined); // nobody answers these
      return ended;
    });
    expect(ended?.exitCode).toBe(unsupportedVersion);
    expect(ended?.stdout).toContain("member 4d says that the cluster is at version 9");
  }, 60_000);
});
