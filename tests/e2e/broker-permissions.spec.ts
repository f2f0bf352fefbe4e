import { prefix, QuorateClient } from "@quorate/client";
import type { MemberId, Term } from "@quorate/raft";
import { encodeLeaderNotice, parseClusterName, Subjects } from "@quorate/wire";

import { SUBJECT_SAMPLES } from "../../libs/wire/src/testing/subject-samples";
import { BrokerProbe, textOf, type Attempt } from "../harness/broker-probe";
import { EtcdClient, etcdMethods } from "../harness/etcd-client";
import { eventually } from "../harness/eventually";
import { GuardedCluster } from "../harness/guarded-cluster";
import { untilWritable } from "../harness/until-writable";

const WITHIN_MS = 60_000;
/** Exit code of a process that the broker forbids what it needs. */
const BROKER_DENIED = 76;
/** Sent in parts, since one message of ours has 512 KiB at most. */
const LARGE = new Uint8Array(1024 * 1024).fill(7);

/** What clients have no business with: kinds of subjects, and patterns that cover some. */
const INSIDE = [
  ...Object.values(SUBJECT_SAMPLES)
    .flat()
    .filter(
      ([, { publish, subscribe }]) => publish?.includes("client") !== true && subscribe?.client === undefined,
    )
    .map(([subject]) => subject),
  ...[">", "*.>", "q.>", "q.c.>", "q.*.raft.>", "*.c.raft.*.*", "q.c.raft.*.*", "_INBOX.>", "$SYS.>"],
];

// Goal: with the users and permissions that we write for brokers, everything works that works without, and a client that goes to the
// broker by itself neither hears nor says anything inside. Method: one cluster of real processes on such a broker; the tests build on
// each other. What the broker denied stands in its log.
describe("a cluster on a broker with permissions", () => {
  let cluster: GuardedCluster;
  let etcd: EtcdClient;
  let app: QuorateClient;
  let ops: QuorateClient;
  let subjects: Subjects;

  beforeAll(async () => {
    cluster = await GuardedCluster.start();
    subjects = new Subjects(parseClusterName(cluster.name));
    await untilWritable(cluster.address, WITHIN_MS);
    etcd = new EtcdClient({ address: cluster.address });
    const as = (user: string): Promise<QuorateClient> =>
      QuorateClient.connect({
        cluster: cluster.name,
        servers: cluster.brokerUrl,
        credentialsFile: cluster.credentials(user),
        timeoutMs: 20_000,
      });
    [app, ops] = [await as("client-app"), await as("admin-ops")];
  }, 120_000);

  afterAll(async () => {
    etcd?.close();
    await app?.close();
    await ops?.close();
    await cluster?.[Symbol.asyncDispose]();
  }, 30_000);

  /** The broker's own words on what it did not allow, since the test began to count. */
  function violations(since = 0): string[] {
    return cluster
      .logOf("broker")
      .split("\n")
      .filter((line) => /Violation|authentication error/.test(line))
      .slice(since);
  }

  it("serves reads, writes, leases and watches, small and large, over gRPC and NATS", async () => {
    await using probe = await BrokerProbe.connect(cluster.brokerUrl, cluster.credentials("client-app"));
    const heard: string[] = [];
    probe.connection.subscribe(subjects.anyEvent, { callback: (_, { subject }) => void heard.push(subject) });
    await probe.connection.flush();
    const seen: string[] = [];
    const watch = app.watch(prefix("app/"));
    const watching = (async () => {
      for await (const { keyValue } of watch) if (seen.push(keyValue.keyText) === 2) return;
    })();
    await app.put("app/large", LARGE);
    expect((await app.get("app/large"))?.value).toEqual(LARGE);
    const lease = await app.grantLease(60);
    await app.put("app/leased", "x", { lease: lease.id });
    await etcd.put({ key: Buffer.from("over-grpc") }, 10_000);
    await watching;
    expect(seen).toEqual(["app/large", "app/leased"]);
    await eventually("the change to be published as a plain message", { withinMs: WITHIN_MS }, () =>
      heard.some((subject) => subject.endsWith(".put.over-grpc")),
    );
  }, 120_000);

  it("takes in another member, by a snapshot, once the broker knows it", async () => {
    for (let at = 0; at < 50; at += 1) await app.put(`filled/${at}`, "x");
    const { member } = await ops.membership.add({ peerUrls: ["http://n4:2380"], isLearner: true });
    const { id } = member;
    const memberId = id.toString(16);
    await cluster.allowNodes(`n1=a1,n2=a2,n3=a3,n4=${memberId}`);
    cluster.startNode("n4", memberId, ["--initial-cluster-state", "join"]);
    await eventually("n4 to be promoted", { withinMs: WITHIN_MS }, async () => {
      await ops.membership.promote(id);
      return true;
    });
    expect(cluster.logOf("n4")).toMatch(/snapshot/);
    const { revision } = await etcd.call(etcdMethods.hashKv, {}).then(({ header }) => header!);
    expect(Number(revision)).toBeGreaterThan(50);
  }, 120_000);

  it("moves the leadership and loses a member, and the broker had nothing to deny all the while", async () => {
    const { leader, members } = await leadership();
    const heir = members.find((id) => id !== leader)!;
    await ops.membership.moveLeader(heir);
    await eventually("the leader to be another", { withinMs: WITHIN_MS }, async () => {
      return (await leadership()).leader === heir;
    });
    const founder = ["n1", "n2", "n3"].find((name) => heir === BigInt(`0xa${name.slice(1)}`));
    await cluster.process(founder ?? "n4").kill();
    await untilWritable(cluster.address, WITHIN_MS);
    expect(violations()).toEqual([]);
  }, 120_000);

  it("keeps a client from everything inside, to hear and to say", async () => {
    const before = violations().length;
    await using client = await BrokerProbe.connect(cluster.brokerUrl, cluster.credentials("client-app"));
    const attempts = INSIDE.flatMap((subject): Attempt[] => [
      ...(/[*>]/.test(subject) ? [] : [{ operation: "publish", subject } as const]),
      { operation: "subscribe", subject, queue: "none" },
      { operation: "subscribe", subject, queue: "mine" },
    ]);
    expect(await client.denied(attempts)).toEqual(attempts.map(textOf));
    expect(violations(before)).toHaveLength(attempts.length);
  });

  it("does not let a client name a leader, nor have a service say for it what it may not say itself", async () => {
    await using client = await BrokerProbe.connect(cluster.brokerUrl, cluster.credentials("client-app"));
    const leader = 0xa1n as MemberId;
    const notice = encodeLeaderNotice({
      sender: leader,
      term: 1_000_000 as Term,
      leader,
      member: undefined,
    });
    const forged: Attempt[] = [
      { operation: "publish", subject: subjects.leader, payload: notice },
      { operation: "publish", subject: subjects.raft(0xa1n, 0xa2n), payload: notice },
    ];
    expect(await client.denied(forged)).toEqual(forged.map(textOf));
    const before = violations().length;
    // The gateway may say more than a client: an answer sent to one of these subjects would be believed.
    for (const reply of [subjects.leader, subjects.raft(0xa1n, 0xa2n), subjects.watchOpen])
      await client.denied([{ operation: "publish", subject: subjects.api("kv", "range"), reply }]);
    await app.put("still", "served");
    expect(violations(before)).toEqual([]);
    expect(cluster.process("gateway1").ownExits).toEqual([]);
  });

  it("binds members to their ids, and gateways to theirs", async () => {
    await using node = await BrokerProbe.connect(cluster.brokerUrl, cluster.credentials("node-n2"));
    const asAnother: Attempt[] = [
      { operation: "publish", subject: subjects.raft(0xa1n, 0xa3n) },
      { operation: "publish", subject: subjects.snapshot(0xa1n, 0xa3n) },
      { operation: "publish", subject: subjects.feed(0xa1n) },
      { operation: "subscribe", subject: subjects.raftFromAny(0xa1n), queue: "none" },
      { operation: "subscribe", subject: subjects.raftFromAny(0xa2n), queue: "shared" },
    ];
    expect(await node.denied(asAnother)).toEqual(asAnother.map(textOf));
    await using gateway = await BrokerProbe.connect(
      cluster.brokerUrl,
      cluster.credentials("gateway-gateway1"),
    );
    const asMember: Attempt[] = [
      { operation: "publish", subject: subjects.raft(0xa1n, 0xa2n) },
      { operation: "subscribe", subject: subjects.raftFromAny(0xa2n), queue: "none" },
      { operation: "publish", subject: subjects.feed(0xa1n) },
    ];
    expect(await gateway.denied(asMember)).toEqual(asMember.map(textOf));
  });

  it("ends a process that was given the secret of another, and says what it lacks", async () => {
    const imposter = cluster.startNode(
      "imposter",
      "a9",
      ["--initial-cluster", "imposter=a9", "--initial-cluster-state", "new"],
      "node-n2",
    );
    await eventually("it to end", { withinMs: WITHIN_MS }, () => imposter.ownExits.includes(BROKER_DENIED));
    await imposter.kill();
    expect(cluster.logOf("imposter")).toContain(
      "The broker does not let this process publish to q.c.raft.a9.0",
    );
  }, 90_000);

  async function leadership(): Promise<{ readonly leader: bigint; readonly members: readonly bigint[] }> {
    const { leaderId } = await app.status();
    return { leader: leaderId, members: (await app.members()).map(({ id }) => id) };
  }
});
