import { etcdMethods, type EtcdClient } from "../harness/etcd-client";
import { eventually } from "../harness/eventually";
import { leaderOf, settledMemberStates } from "../harness/member-states";
import type { QuorateCluster } from "../harness/quorate-cluster";
import { LoadedCluster } from "./loaded-cluster";
import type { WriteLoad } from "./write-load";

const WITHIN_MS = 30_000;

// Goal: the log's beginning, with all that it said of members, may be gone: a new member learns everything from a snapshot.
// Method: a cluster that keeps almost nothing of its log, and clients that write all the time. The tests build on each other.
describe("a member that joins a cluster whose log is compacted", () => {
  let scene: LoadedCluster;
  let cluster: QuorateCluster;
  let client: EtcdClient;
  let load: WriteLoad;
  let joined: string;

  beforeAll(async () => {
    scene = await LoadedCluster.start({ members: 3, flags: ["--log-keep-entries", "5"] }, WITHIN_MS);
    ({ cluster, client } = scene);
    load = scene.load("joining/", 4);
    await load.untilAcknowledged(500, WITHIN_MS);
  }, 60_000);

  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]();
  }, 60_000);

  it("is a learner that gets a snapshot while writes go on", async () => {
    joined = await cluster.addMember("learner");
    await scene.untilSnapshot(joined);
    await load.untilAcknowledged(50, WITHIN_MS);
    expect(await learners()).toEqual([joined]);
  }, 90_000);

  it("is promoted, and takes the place of a member that is removed", async () => {
    const { members } = await client.memberList();
    const { ID } = members.find(({ name }) => name === joined)!;
    // Refused until it holds what the others do.
    await eventually("the learner to be promoted", { withinMs: WITHIN_MS, everyMs: 200 }, async () =>
      client.call(etcdMethods.memberPromote, { ID: ID! }).catch(() => undefined),
    );
    expect(await learners()).toEqual([]);
    await cluster.removeMember(await leaderOf(cluster, WITHIN_MS));
    await load.untilAcknowledged(50, WITHIN_MS);
    expect(cluster.members).toHaveLength(3);
  }, 90_000);

  it("leads by what it got, also after a restart", async () => {
    await cluster.tell("kill", joined);
    await cluster.tell("start", joined);
    await load.stop();
    await settledMemberStates(cluster, WITHIN_MS);
    const { members } = await client.memberList();
    const targetID = members.find(({ name }) => name === joined)!.ID!;
    await client.call(etcdMethods.moveLeader, { targetID });
    expect((await client.status()).leader.toString()).toBe(`${targetID}`);
    expect(await load.violations()).toEqual([]);
    await scene.expectAllAlike();
  }, 90_000);

  async function learners(): Promise<(string | undefined)[]> {
    const { members } = await client.memberList();
    return members.filter(({ isLearner }) => isLearner).map(({ name }) => name ?? undefined);
  }
});
