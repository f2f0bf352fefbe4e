import { etcdserverpb } from "@quorate/wire";

import { CallError, EtcdClient, etcdMethods, type UnaryMethod } from "../harness/etcd-client";
import { EtcdServer } from "../harness/etcd-server";
import { eventually } from "../harness/eventually";
import { leaderOf } from "../harness/member-states";
import { QuorateCluster } from "../harness/quorate-cluster";
import { whereEtcdIsInstalled } from "./etcd-installed";
import { command, etcdctl, type EtcdctlResult } from "./etcdctl-script";

type Method = "memberAdd" | "memberRemove" | "memberUpdate" | "memberPromote" | "moveLeader" | "memberList";
type Members = readonly etcdserverpb.Member.$Properties[];

const LEARNER_URL = "http://127.0.0.1:1";
const UNKNOWN = "4711";

/** One of the two, and which of its members leads, and which does not. */
interface Subject {
  readonly client: EtcdClient;
  /** Of the member that leads. */
  readonly leader: EtcdClient;
  readonly leaderAddress: string;
  /** Of one that does not. */
  readonly follower: EtcdClient;
}

// Goal: what operators and their tools do to the membership has the same answers. Method: the same calls to three members of
// each; ids differ, so only their places are compared. The order of the tests matters: they share both clusters.
whereEtcdIsInstalled("the membership calls of etcd and Quorate", () => {
  let etcd: EtcdServer;
  let quorate: QuorateCluster;
  let subjects: readonly [Subject, Subject];

  beforeAll(async () => {
    [etcd, quorate] = await Promise.all([
      EtcdServer.start(3),
      QuorateCluster.start({ members: 3, gateways: 3 }),
    ]);
    const gateways = ["gateway1", "gateway2", "gateway3"].map((name) => quorate.address(name));
    await leaderOf(quorate, 15_000);
    subjects = [await subjectOf(etcd.addresses), await subjectOf(gateways)];
    await eventually("all members to have published their client URLs", { withinMs: 15_000 }, async () => {
      const listed = await members(subjects[1]);
      return listed.every(({ clientURLs }) => (clientURLs?.length ?? 0) > 0);
    });
  }, 60_000);

  afterAll(async () => {
    for (const { leader, follower } of subjects ?? [])
      for (const client of [leader, follower]) client.close();
    await Promise.all([etcd?.[Symbol.asyncDispose](), quorate?.[Symbol.asyncDispose]()]);
  }, 30_000);

  async function subjectOf(addresses: readonly string[]): Promise<Subject> {
    const clients = addresses.map((address) => new EtcdClient({ address }));
    const statuses = await Promise.all(clients.map((client) => client.status()));
    const leads = statuses.map(({ header, leader }) => `${header?.memberId}` === `${leader}`);
    const at = leads.indexOf(true);
    const other = leads.indexOf(false);
    for (const [index, client] of clients.entries()) if (index !== at && index !== other) client.close();
    return {
      client: clients[at]!,
      leader: clients[at]!,
      leaderAddress: addresses[at]!,
      follower: clients[other]!,
    };
  }

  async function members({ client }: Subject): Promise<Members> {
    return (await client.memberList()).members;
  }

  async function learnerId(subject: Subject): Promise<string> {
    const learner = (await members(subject)).find(({ isLearner }) => isLearner === true);
    return `${learner?.ID ?? 0}`;
  }

  /** What came of it: the shape of an answer, or the error as it was sent. */
  async function outcome(client: EtcdClient, method: Method, request: object): Promise<unknown> {
    try {
      const unary: UnaryMethod<unknown, Answer> = etcdMethods[method];
      return shapeOf(await client.call(unary, request));
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      return { code: error.code, text: error.text };
    }
  }

  /** Both do the same. @param request May depend on what each has. @returns What it was. */
  async function same(
    method: Method,
    request: (subject: Subject) => object | Promise<object>,
    from: "leader" | "follower" = "leader",
  ): Promise<unknown> {
    const [expected, actual] = await Promise.all(
      subjects.map(async (subject) => outcome(subject[from], method, await request(subject))),
    );
    expect({ method, outcome: actual }).toEqual({ method, outcome: expected });
    return actual;
  }

  it("lists members alike, but for peer URLs", async () => {
    await same("memberList", () => ({}));
    await same("memberList", () => ({ linearizable: true }), "follower");
  }, 30_000);

  it("refuses bad peer URLs of a new member alike", async () => {
    const bad = [[], [""], ["nowhere"], ["http://127.0.0.1"], ["http://127.0.0.1:1/path"], ["ftp://h:1"]];
    for (const peerURLs of bad) {
      expect(await same("memberAdd", () => ({ peerURLs }))).toEqual({
        code: 3,
        text: "etcdserver: given member URLs are invalid",
      });
    }
  }, 30_000);

  it("refuse what is done to a member that is unknown alike", async () => {
    for (const method of ["memberRemove", "memberPromote", "memberUpdate"] as const) {
      expect(await same(method, () => ({ ID: UNKNOWN, peerURLs: ["http://h:1"] }), "follower")).toEqual({
        code: 5,
        text: "etcdserver: member not found",
      });
    }
  }, 30_000);

  it("moves the leadership alike, and only from the leader to a voter", async () => {
    await same("moveLeader", () => ({ targetID: UNKNOWN }));
    await same("moveLeader", () => ({ targetID: UNKNOWN }), "follower");
    await same("moveLeader", async ({ leader }) => ({ targetID: `${(await leader.status()).leader}` }));
  }, 30_000);

  it("waits until etcd takes its members for connected, which takes it five seconds", async () => {
    // Refused for its URLs as soon as it is not for the health of the cluster.
    const [etcdSubject] = subjects;
    const taken = (await members(etcdSubject))[0]?.peerURLs ?? [];
    await eventually("etcd to be healthy", { withinMs: 15_000, everyMs: 200 }, async () => {
      const refused = await outcome(etcdSubject.leader, "memberAdd", { peerURLs: taken });
      return !JSON.stringify(refused).includes("unhealthy");
    });
  }, 30_000);

  it("adds a learner alike, and refuses a second one and URLs in use", async () => {
    await same("memberAdd", () => ({ peerURLs: [LEARNER_URL], isLearner: true }));
    // With other URLs beside it: within one second etcd would call the same ones the same member.
    await same("memberAdd", () => ({ peerURLs: [LEARNER_URL, "http://127.0.0.1:2"], isLearner: true }));
    await same("memberAdd", () => ({ peerURLs: ["http://127.0.0.1:2"], isLearner: true }));
    await same("memberList", () => ({}));
  }, 30_000);

  it("refuses to promote a voter, and a learner that has never answered, alike", async () => {
    await same("memberPromote", async ({ leader }) => ({ ID: `${(await leader.status()).leader}` }));
    await same("memberPromote", async (subject) => ({ ID: await learnerId(subject) }));
  }, 30_000);

  it("gives the leadership to no learner", async () => {
    await same("moveLeader", async (subject) => ({ targetID: await learnerId(subject) }));
  }, 30_000);

  // What is updated is not compared: releases before 3.5.31 make a voter of the learner by that.
  it("gives no member the peer URLs of another one", async () => {
    const voter = async ({ leader }: Subject): Promise<string> => `${(await leader.status()).leader}`;
    expect(
      await same("memberUpdate", async (subject) => ({ ID: await voter(subject), peerURLs: [LEARNER_URL] })),
    ).toEqual({ code: 9, text: "etcdserver: Peer URLs already exists" });
  }, 30_000);

  it("removes the learner alike, once", async () => {
    const ids = new Map<Subject, string>();
    for (const subject of subjects) ids.set(subject, await learnerId(subject));
    await same("memberRemove", (subject) => ({ ID: ids.get(subject)! }), "follower");
    await same("memberRemove", (subject) => ({ ID: ids.get(subject)! }));
    await same("memberPromote", (subject) => ({ ID: ids.get(subject)! }));
  }, 30_000);

  it("prints the same through etcdctl", async () => {
    const print = (run: (subject: Subject) => Promise<readonly string[]>): Promise<EtcdctlResult[]> =>
      Promise.all(
        subjects.map(async (subject) => {
          const result = await etcdctl(subject.leaderAddress, command(...(await run(subject))));
          return { ...result, stdout: anonymous(result.stdout), stderr: lastLine(result.stderr) };
        }),
      );
    const hex = async (subject: Subject): Promise<string> => BigInt(await learnerId(subject)).toString(16);
    const url = "--peer-urls=http://127.0.0.1:9";
    for (const [title, args] of Object.entries<(subject: Subject) => Promise<readonly string[]>>({
      add: () => Promise.resolve(["member", "add", "n9", "--learner", url]),
      again: () => Promise.resolve(["member", "add", "n9", "--learner", `${url},http://127.0.0.1:7`]),
      bad: () => Promise.resolve(["member", "add", "n9", "--peer-urls=nowhere"]),
      promote: async (subject) => ["member", "promote", await hex(subject)],
      transfer: () => Promise.resolve(["move-leader", "1267"]),
      remove: async (subject) => ["member", "remove", await hex(subject)],
      unknown: () => Promise.resolve(["member", "remove", "1267", "-w", "json"]),
    })) {
      const [expected, actual] = await print(args);
      expect({ title, ...actual }).toEqual({ title, ...expected });
    }
  }, 60_000);

  it("moves the leadership through etcdctl", async () => {
    for (const subject of subjects) {
      const own = `${(await subject.leader.status()).leader}`;
      const target = (await members(subject)).find(
        ({ ID, isLearner }) => `${ID}` !== own && isLearner !== true,
      );
      const id = BigInt(`${target?.ID}`).toString(16);
      const { stdout, stderr } = await etcdctl(subject.leaderAddress, command("move-leader", id));
      const text = `Leadership transferred from ${BigInt(own).toString(16)} to ${id}\n`;
      expect({ stdout, stderr }).toMatchObject({ stdout: text });
      expect(`${(await subject.leader.status()).leader}`).toBe(`${target?.ID}`);
    }
  }, 30_000);
});

interface Answer {
  readonly header?: etcdserverpb.ResponseHeader.$Properties | null;
  readonly member?: etcdserverpb.Member.$Properties | null;
  readonly members?: Members;
}

/** Without what differs between any two clusters: ids, names, and the peer URLs of members from the beginning. */
function shapeOf({ header, member, members = [] }: Answer): unknown {
  const shape = ({ name, peerURLs, clientURLs, isLearner }: Members[number]): unknown => ({
    isStarted: name !== "",
    peerUrls: name === "" ? peerURLs : (peerURLs ?? []).length > 0,
    clientUrls: (clientURLs ?? []).length,
    isLearner,
  });
  const key = (one: unknown): string => JSON.stringify(one);
  const ids = members.map(({ ID }) => BigInt(`${ID}`));
  return {
    hasHeader: header != null,
    revision: `${header?.revision ?? 0}`,
    member: member ? shape(member) : undefined,
    members: members.map(shape).sort((a, b) => (key(a) < key(b) ? -1 : 1)),
    isSorted: ids.every((id, at) => at === 0 || id > ids[at - 1]!),
  };
}

function anonymous(text: string): string {
  return text
    .replace(/\b[0-9a-f]{8,16}\b/g, "ID")
    .replace(/ +ID/g, " ID")
    .replace(/ETCD_INITIAL_CLUSTER=.*/, "");
}

function lastLine(text: string): string {
  return text.trimEnd().split("\n").at(-1) ?? "";
}
