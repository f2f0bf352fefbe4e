import { QuorateClient } from "@quorate/client";

import { CallError, etcdMethods, type EtcdClient } from "../harness/etcd-client";
import { eventually } from "../harness/eventually";
import { HttpCaller } from "../harness/http-caller";
import { leaderOf, settledMemberStates } from "../harness/member-states";
import type { QuorateCluster } from "../harness/quorate-cluster";
import { LoadedCluster } from "./loaded-cluster";
import type { WriteLoad } from "./write-load";

/** Longer than any election here takes. */
const STALL_MS = 3000;
const WITHIN_MS = 20_000;

// Goal: the number of members changes while clients write, and no acknowledged write is lost; and a cluster takes writes exactly
// while a majority of its members runs. Method: `quorate dev add` and `remove` as a user runs them, and kills in between. One
// cluster lives through all of it, so the tests build on each other.
describe("a cluster that grows and shrinks under load", () => {
  let scene: LoadedCluster;
  let cluster: QuorateCluster;
  let client: EtcdClient;
  let load: WriteLoad;
  /** The load of the first part. */
  let grown: WriteLoad;

  beforeAll(async () => {
    scene = await LoadedCluster.start({ members: 1 }, WITHIN_MS);
    ({ cluster, client } = scene);
    load = scene.load("growing/", 4);
    await load.untilAcknowledged(50, 20_000);
  }, 60_000);

  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]();
  }, 60_000);

  async function listed(): Promise<{ name: string; id: bigint; isLearner: boolean }[]> {
    const { members } = await client.memberList();
    return members.map(({ name, ID, isLearner }) => ({
      name: name ?? "",
      id: BigInt(`${ID ?? 0}`),
      isLearner: isLearner ?? false,
    }));
  }

  /** Whether a write is acknowledged before long. */
  async function takesWrites(withinMs: number): Promise<boolean> {
    try {
      await client.put({ key: Buffer.from("quorum/probe") }, withinMs);
      return true;
    } catch (error) {
      if (error instanceof CallError) return false;
      throw error;
    }
  }

  it("grows from one member to five", async () => {
    for (const expected of ["n2", "n3", "n4", "n5"]) {
      expect(await cluster.addMember()).toBe(expected);
      await load.untilAcknowledged(20, 20_000);
    }
    expect((await listed()).map(({ name, isLearner }) => [name, isLearner]).sort()).toEqual(
      ["n1", "n2", "n3", "n4", "n5"].map((name) => [name, false]),
    );
  }, 120_000);

  it("moves its leadership to each member in turn", async () => {
    for (const { id } of await listed()) {
      await client.call(etcdMethods.moveLeader, { targetID: id.toString() as never });
      expect((await client.status()).leader.toString()).toBe(id.toString());
    }
    await load.untilAcknowledged(20, 20_000);
  }, 60_000);

  it("takes writes while three of five members run, and again as soon as a third is back", async () => {
    await load.stop();
    for (const name of ["n1", "n2"]) {
      await cluster.tell("kill", name);
      await cluster.untilWritable(15_000);
    }
    await cluster.tell("kill", "n3");
    expect(await takesWrites(STALL_MS)).toBe(false);
    await cluster.tell("start", "n3");
    await cluster.untilWritable(15_000);
    for (const name of ["n1", "n2"]) await cluster.tell("start", name);
    await settledMemberStates(cluster, 20_000);
    grown = load;
    load = scene.load("shrinking/", 4);
  }, 90_000);

  it("shrinks to three, whoever leads, and replaces a member that is dead", async () => {
    await cluster.removeMember(await leaderOf(cluster, 15_000));
    await load.untilAcknowledged(20, 20_000);
    const [first] = cluster.members;
    await cluster.removeMember(first!);
    await load.untilAcknowledged(20, 20_000);
    expect(cluster.members).toHaveLength(3);

    const leader = await leaderOf(cluster, 15_000);
    const dead = cluster.members.find((name) => name !== leader)!;
    await cluster.tell("kill", dead);
    // Refused either way, for its URL if for nothing else: so nothing is changed by asking.
    const taken = (await client.memberList()).members.flatMap(({ peerURLs }) => peerURLs ?? []);
    const peerURLs = taken.filter((url) => url.startsWith("http:")).slice(0, 1);
    await eventually("another voter to be refused while one is dead", { withinMs: 15_000 }, async () => {
      const refused = await client.call(etcdMethods.memberAdd, { peerURLs }).catch((error: unknown) => error);
      return refused instanceof CallError && refused.text === "etcdserver: unhealthy cluster";
    });
    await cluster.removeMember(dead);
    const replacement = await cluster.addMember();
    expect(cluster.members).toContain(replacement);
    await load.untilAcknowledged(20, 20_000);
  }, 120_000);

  it("stalls without two of its three members, and without one of two", async () => {
    await load.stop();
    const leader = await leaderOf(cluster, 15_000);
    const [one, other] = cluster.members.filter((name) => name !== leader);
    await cluster.tell("kill", one!);
    expect(await takesWrites(5000)).toBe(true);
    await cluster.tell("kill", other!);
    expect(await takesWrites(STALL_MS)).toBe(false);
    for (const name of [one!, other!]) await cluster.tell("start", name);
    await cluster.untilWritable(15_000);

    await cluster.removeMember(one!);
    await cluster.tell("kill", other!);
    expect(await takesWrites(STALL_MS)).toBe(false);
    await cluster.tell("start", other!);
    await cluster.untilWritable(15_000);
  }, 120_000);

  it("answers about members over HTTP and NATS as over gRPC", async () => {
    const [first] = await listed();
    const http = new HttpCaller(cluster.address());
    const body = { ID: `${first!.id}`, peerURLs: ["http://10.0.0.1:2380"] };
    expect(await http.post("/v3/cluster/member/update", body)).toMatchObject({ status: 200 });
    expect(await http.post("/v3/cluster/member/promote", body)).toMatchObject({
      status: 400,
      json: { code: 9, message: "etcdserver: can only promote a learner member" },
    });
    expect(await http.post("/v3/maintenance/transfer-leadership", { targetID: "4711" })).toMatchObject({
      status: 400,
      json: { code: 9, message: "etcdserver: bad leader transferee" },
    });
    await using native = await QuorateClient.connect({ servers: cluster.brokerUrl, cluster: cluster.name });
    const members = await native.members();
    expect(members.find(({ id }) => id === first!.id)?.peerUrls).toEqual(["http://10.0.0.1:2380"]);
    await expect(native.membership.remove(4711n)).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: "etcdserver: member not found",
      outcome: "definite",
    });
    await native.membership.moveLeader(first!.id);
    expect((await native.status()).leaderId).toBe(first!.id);
  }, 30_000);

  it("has lost no acknowledged write, and its members agree", async () => {
    for (const written of [grown, load]) {
      expect(written.acknowledged.length).toBeGreaterThan(100);
      expect(await written.violations()).toEqual([]);
    }
    await scene.expectAllAlike();
  }, 60_000);
});
