import { writeFileSync } from "node:fs";
import { join } from "node:path";
import Long from "long";
import { QuorateClient } from "@quorate/client";
import { testCertificate, testKey } from "@quorate/testing";
import { parseClusterName, Subjects } from "@quorate/wire";

import { BrokerProbe, textOf, type Attempt } from "../harness/broker-probe";
import { run, type Finished } from "../harness/child-process";
import { EtcdClient, etcdMethods } from "../harness/etcd-client";
import { findProgram } from "../harness/etcd-server";
import { eventually } from "../harness/eventually";
import { MemberCluster } from "../harness/member-cluster";
import { freePorts } from "../harness/ports";
import { temporaryFolder } from "../harness/temporary-folder";
import { WriteLoad } from "./write-load";

const WITHIN_MS = 30_000;
/** Exit codes of a raft-node. */
const DATA_DIRECTORY = 73;

interface Listed {
  readonly id: bigint;
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
}

// Goal: what people who run etcd stacked do with it works with `quorate member` as it is, and a member may be lost with its broker.
// Method: one cluster of processes that lives through all of it, so the tests build on each other.
describe("members that are a process each, with a broker of their own", () => {
  let members: MemberCluster;
  const clients = new Map<string, EtcdClient>();
  let load: WriteLoad;

  function client(name: string): EtcdClient {
    const known = clients.get(name) ?? new EtcdClient({ address: members.planOf(name).address });
    clients.set(name, known);
    return known;
  }

  async function serving(name: string): Promise<void> {
    await eventually(`${name} to serve`, { withinMs: WITHIN_MS }, async () => {
      await client(name).put({ key: Buffer.from("probe") }, 2000);
      return true;
    });
  }

  async function list(via: string): Promise<Listed[]> {
    const answer = await client(via).memberList();
    return answer.members.map(({ ID, name, peerURLs, clientURLs }) => ({
      id: BigInt(`${ID ?? 0}`),
      name: name ?? "",
      peerUrls: peerURLs ?? [],
      clientUrls: clientURLs ?? [],
    }));
  }

  async function leader(): Promise<string> {
    return eventually("a leader", { withinMs: WITHIN_MS }, async () => {
      const present = await list(via()).catch(() => []);
      const status = await client(via()).status();
      return present.find(({ id }) => id === BigInt(`${status.leader}`))?.name;
    });
  }

  /** Whoever runs. */
  let via = (): string => "m1";

  async function expectAlike(...names: string[]): Promise<void> {
    const revision = (await client(names[0]!).range({ key: Buffer.from("probe") })).header?.revision;
    const hashes = await Promise.all(
      names.map((name) =>
        eventually(`${name} to have caught up`, { withinMs: WITHIN_MS }, async () =>
          client(name).call(etcdMethods.hashKv, { revision: Number(revision) }),
        ),
      ),
    );
    expect(new Set(hashes.map(({ hash }) => hash)).size).toBe(1);
  }

  beforeAll(async () => {
    members = await MemberCluster.plan({ members: 3 }, 1);
  });

  afterAll(async () => {
    await load?.stop();
    for (const each of clients.values()) each.close();
    await members?.[Symbol.asyncDispose]();
  }, 30_000);

  it("wait for each other until a majority of the founders is there", async () => {
    members.start("m1");
    await eventually("m1 to wait", { withinMs: WITHIN_MS }, () =>
      members.logOf("m1").includes("waiting for other founders of the cluster: a majority must be there"),
    );
    members.start("m2");
    await serving("m1");
    await serving("m2");
    members.start("m3");
    await serving("m3");
    const listed = await list("m1");
    expect(
      listed.map(({ name, peerUrls }) => ({ name, peerUrls })).sort((a, b) => (a.name < b.name ? -1 : 1)),
    ).toEqual(members.plans.slice(0, 3).map(({ name, peerUrl }) => ({ name, peerUrls: [peerUrl] })));
  }, 60_000);

  it("lose nothing when the leader is lost with its broker, and go on without it", async () => {
    const lost = await leader();
    const rest = members.founders.filter((name) => name !== lost);
    via = () => rest[0]!;
    load = new WriteLoad({ prefix: "stacked/", writers: 4 }, client(rest[0]!));
    await load.untilAcknowledged(100, WITHIN_MS);
    await members.kill(lost);
    await load.untilAcknowledged(100, WITHIN_MS);
    await serving(rest[1]!);
    members.start(lost);
    await serving(lost);
    await load.untilAcknowledged(50, WITHIN_MS);
    await load.stop();
    expect(await load.violations()).toEqual([]);
    expect(await load.violations(client(lost))).toEqual([]);
    await expectAlike(...members.founders);
    console.log(`longest gap without the leader and its broker: ${load.longestGapMs().toFixed(0)} ms`);
  }, 120_000);

  it("are all killed at once, and have everything when they are back", async () => {
    const writing = new WriteLoad({ prefix: "all/", writers: 4 }, client("m1"));
    await writing.untilAcknowledged(50, WITHIN_MS);
    await Promise.all(members.founders.map((name) => members.kill(name)));
    await writing.stop();
    members.startFounders();
    for (const name of members.founders) await serving(name);
    expect(await writing.violations()).toEqual([]);
  }, 120_000);

  it("refuse one that has lost its directory, until it was removed and added again", async () => {
    await members.kill("m3");
    await members.wipe("m3");
    members.start("m3");
    expect(await members.ended("m3")).toBe(DATA_DIRECTORY);
    expect(members.logOf("m3")).toContain("has run before, and has voted and acknowledged what is now lost");

    via = () => "m1";
    const { id } = (await list("m1")).find(({ name }) => name === "m3")!;
    await eventually("m3 to be removed", { withinMs: WITHIN_MS }, async () => {
      await client("m1").call(etcdMethods.memberRemove, { ID: Long.fromString(id.toString(), true) });
      return true;
    });
    await members.wipe("m3");
    members.start("m3", "--initial-cluster-state", "existing");
    expect(await members.ended("m3")).toBe(DATA_DIRECTORY);
    expect(members.logOf("m3")).toContain("etcdctl member add m3");
    await add("m3");
    await members.wipe("m3");
    members.start("m3", "--initial-cluster-state", "existing");
    await promoted("m3");
    await serving("m3");
    await expectAlike("m1", "m2", "m3");
  }, 120_000);

  it("are joined by another one, whose broker meets all others through those it is told of", async () => {
    await add("m4");
    members.start("m4");
    await promoted("m4");
    await serving("m4");
    await members.kill("m1"); // it was not told of m3, which came later
    via = () => "m4";
    await serving("m4");
    await expectAlike("m2", "m3", "m4");
    members.start("m1");
    await serving("m1");
  }, 120_000);

  it("serve applications on the broker of a member, and keep them from everything inside", async () => {
    const [at, ...more] = members.planOf("m1").flags.filter((flag) => flag.startsWith("nats://"));
    expect(more).toEqual([]);
    await using app = await QuorateClient.connect({ servers: at!, cluster: "stacked", timeoutMs: WITHIN_MS });
    await app.put("over-nats", "x");
    expect((await app.get("over-nats"))?.text).toBe("x");
    await using probe = await BrokerProbe.connect(at!);
    const subjects = new Subjects(parseClusterName("stacked"));
    const { id } = (await list("m1")).find(({ name }) => name === "m1")!;
    const inside: Attempt[] = [
      { operation: "publish", subject: subjects.leader },
      { operation: "publish", subject: subjects.raft(id, 1n) },
      { operation: "publish", subject: subjects.node(id, "propose") },
      { operation: "subscribe", subject: subjects.raftFromAny(id), queue: "none" },
      { operation: "subscribe", subject: subjects.feed(id), queue: "none" },
      { operation: "subscribe", subject: ">", queue: "none" },
    ];
    expect(await probe.denied(inside)).toEqual(inside.map(textOf));

    // What applications may not, whoever may read the member's directory may.
    const credentialsFile = join(members.planOf("m1").dataDir, "broker", "admin.nkey");
    const options = { servers: at!, cluster: "stacked", credentialsFile, timeoutMs: WITHIN_MS };
    await using operator = await QuorateClient.connect(options);
    expect(await operator.alarms()).toEqual([]);
  }, 60_000);

  it("stop in order, hand the leadership over, and leave no broker behind", async () => {
    const name = await leader();
    via = () => members.plans.map((plan) => plan.name).find((other) => other !== name)!;
    expect(await members.stop(name)).toBe(0);
    expect(await leader()).not.toBe(name);
    members.start(name); // its broker's ports are free
    await serving(name);
  }, 60_000);

  async function add(name: string): Promise<void> {
    const { peerUrl } = members.planOf(name);
    await eventually(`${name} to be added`, { withinMs: WITHIN_MS }, async () => {
      await client("m1").call(etcdMethods.memberAdd, { peerURLs: [peerUrl], isLearner: true });
      return true;
    });
  }

  async function promoted(name: string): Promise<void> {
    const { id } = (await list("m1")).find(({ peerUrls }) => peerUrls[0] === members.planOf(name).peerUrl)!;
    await eventually(`${name} to be promoted`, { withinMs: WITHIN_MS }, async () => {
      await client("m1").call(etcdMethods.memberPromote, { ID: Long.fromString(id.toString(), true) });
      return true;
    });
  }
});

const TLS_FLAGS = [
  ...["--cert-file", testCertificate("server"), "--key-file", testKey("server")],
  ...["--trusted-ca-file", testCertificate("authority"), "--client-cert-auth=true"],
  ...["--peer-cert-file", testCertificate("server"), "--peer-key-file", testKey("server")],
  ...["--peer-trusted-ca-file", testCertificate("authority"), "--peer-client-cert-auth=true"],
];

(findProgram("etcdctl") === undefined ? describe.skip : describe)("members that encrypt everything", () => {
  it("serve clients that have a certificate, and nobody else", async () => {
    await using members = await MemberCluster.plan({ members: 3, isEncrypted: true, flags: TLS_FLAGS });
    members.startFounders();
    const etcdctl = (...args: readonly string[]): Promise<Finished> =>
      run("etcdctl", [`--endpoints=https://${members.plans[0]!.address}`, ...args], {
        environment: { ETCDCTL_API: "3" },
        timeoutMs: 15_000,
      });
    const trust = ["--cacert", testCertificate("authority")];
    const identity = ["--cert", testCertificate("client"), "--key", testKey("client")];
    await eventually("a write", { withinMs: 60_000 }, async () => {
      const { exitCode } = await etcdctl(...trust, ...identity, "put", "secret", "kept");
      return exitCode === 0;
    });
    expect((await etcdctl(...trust, ...identity, "get", "secret")).stdout).toBe("secret\nkept\n");
    expect((await etcdctl(...trust, "--command-timeout=2s", "get", "secret")).exitCode).not.toBe(0);
    const stranger = ["--cert", testCertificate("intruder"), "--key", testKey("intruder")];
    expect((await etcdctl(...trust, ...stranger, "--command-timeout=2s", "get", "secret")).exitCode).not.toBe(
      0,
    );
  }, 120_000);
});

describe("the options of a member", () => {
  it("are taken from etcd's variables and from its file, and those without an effect are named", async () => {
    await using folder = await temporaryFolder("member-options");
    const [client, peer, nats] = await freePorts(3);
    const file = join(folder.path, "etcd.yaml");
    writeFileSync(
      file,
      `name: lone
data-dir: ${join(folder.path, "data")}
listen-client-urls: http://127.0.0.1:${client}
advertise-client-urls: http://127.0.0.1:${client}
listen-peer-urls: http://127.0.0.1:${peer}
initial-advertise-peer-urls: http://127.0.0.1:${peer}
listen-nats-url: nats://127.0.0.1:${nats}
snapshot-count: 10000
client-transport-security:
  client-cert-auth: false
`,
    );
    await using members = await MemberCluster.plan({ members: 1 });
    const [lone] = members.plans;
    members.start(lone!.name, "--config-file", file);
    const etcd = new EtcdClient({ address: `127.0.0.1:${client}` });
    await eventually("a write", { withinMs: WITHIN_MS }, async () => {
      await etcd.put({ key: Buffer.from("a") }, 2000);
      return true;
    });
    expect((await etcd.memberList()).members.map(({ name }) => name)).toEqual(["lone"]);
    etcd.close();
    expect(members.logOf(lone!.name)).toContain("--snapshot-count has no effect");
    expect(members.logOf(lone!.name)).toContain("other flags and variables are ignored");
  }, 60_000);

  it.each([
    [["--discovery-srv", "example.org"], {}, "--discovery-srv"],
    [["--wal-dir=/elsewhere"], {}, "log and state are kept in --data-dir"],
    [["--initial-cluster", "other=http://127.0.0.1:1"], {}, "--initial-cluster does not name default"],
    [["--no-such-flag"], {}, "unknown option '--no-such-flag'"],
    [[], { ETCD_UNSAFE_NO_FSYNC: "true" }, "--unsafe-no-fsync"],
    [["--listen-client-urls=https://127.0.0.1:1"], {}, "needs --cert-file and --key-file"],
    [["--pre-vote=false"], {}, "cannot be changed"],
    [["--heartbeat-interval=500"], {}, "--election-timeout must be at least 5 times"],
  ])("are refused when they ask for what this is not: %j %j", async (args, environment, text) => {
    await using members = await MemberCluster.plan({ members: 1 });
    const { exitCode, stderr } = await members.runToEnd(args, environment as Record<string, string>);
    expect(stderr).toContain(text);
    expect(exitCode).toBe(2);
  });
});
