import { append, idAt, logOf } from "../../libs/raft/src/testing/log-fixtures";
import { at, LoneMember, member, term } from "../../libs/raft/src/testing/lone-member";
import { changeMembership } from "../../libs/state-machine/src/membership/change-membership";
import {
  UNFOUNDED,
  type ClusterMember,
  type Membership,
  type MembershipChange,
} from "../../libs/state-machine/src/membership/membership";
import { judgeReconfiguration } from "../../services/raft-node/src/reconfiguration-check";
import { Retirement } from "../../services/raft-node/src/retirement";
import { linesWith, RaftScene } from "./raft-scene";

const clusterMember = (id: number): ClusterMember => ({
  id: member(id),
  name: `n${id}`,
  peerUrls: [`http://n${id}`],
  clientUrls: [],
});
const addLearner = (id: number): MembershipChange => ({
  kind: "add",
  member: clusterMember(id),
  learner: true,
  learnersMax: 1,
});

let changes = 100n;

function applied(before: Membership, ...wanted: readonly MembershipChange[]): Membership {
  return wanted.reduce((membership, change) => {
    const result = changeMembership(membership, { changeId: (changes += 1n), change });
    if (!result.ok) throw new Error(result.error.code);
    return result.membership;
  }, before);
}

const three = applied(UNFOUNDED, { kind: "found", clusterId: 0xcn, members: [1, 2, 3].map(clusterMember) });

describe("membership in the log", () => {
  it("etcd #7625: a new leader changes nothing before an entry of its own term is committed", () => {
    const one = new LoneMember({ terms: [1] });
    one.elect(2);
    one.change({ kind: "add-voter", member: member(4) });
    expect(one.did("proposal-refused")).toMatchObject([{ reason: "not-established" }]);
    one.acknowledge(2, 2);
    one.change({ kind: "add-voter", member: member(4) });
    expect(one.did("proposed")).toMatchObject([{ index: 3 }]);
  });

  it("etcd #10998: a learner gives its vote to who asks: it may be a voter and not know it", () => {
    const one = new LoneMember({ voters: 3, learners: [1], terms: [1], term: 1 });
    one.tick(10);
    one.receive(3, { kind: "pre-vote", term: term(2), last: idAt(logOf([1]), 1), committed: undefined });
    one.receive(3, { kind: "vote", term: term(2), last: idAt(logOf([1]), 1), transfer: false });
    expect(one.sent("pre-vote-response")).toMatchObject([{ message: { granted: true } }]);
    expect(one.sent("vote-response")).toMatchObject([{ message: { granted: true } }]);
  });

  it("etcd #12359: a promoted learner with the newest log, that does not know that it votes, learns so and leads", () => {
    const scene = new RaftScene("add-nodes 3 learners=1 heartbeat=5", "campaign n1", "stabilize");
    scene.play("change n1 promote n3", "propose n1 only-n3-has-it", "persist n1 count=2");
    scene.play("deliver to=n3", "deliver to=n2 count=1", "drop to=n2", "persist n2 n3 count=2");
    scene.play("deliver to=n1", "persist n1", "apply n1"); // n1 and n2 have decided; n3 is not told
    scene.play("drop", "tick n1 count=5", "deliver to=n2 kind=heartbeat", "persist n2", "apply n2");
    expect(scene.play("configuration n1 n2 n3")).toEqual(["n1 1,2,3", "n2 1,2,3", "n3 1,2+3"]);
    scene.play("drop", "crash n1");
    expect([scene.status("n2"), scene.status("n3")]).toMatchObject([
      expect.stringContaining("last=2@1"),
      expect.stringContaining("last=3@1"),
    ]);
    for (let times = 0; times < 4; times += 1) scene.play("tick n2 n3 count=15", "stabilize n2 n3");
    expect(scene.status("n3")).toContain("n3 leader");
    expect(linesWith(scene.play("raft-log n2"), "only-n3-has-it")).toHaveLength(1);
  });

  it("etcd #11037: a member that has just been added is sent something at once", () => {
    const one = new LoneMember();
    one.elect(2);
    one.acknowledge(2, 1);
    one.change({ kind: "add-voter", member: member(4) });
    one.clear();
    one.acknowledge(2, 2);
    expect(one.sent("append").map(({ to }) => to)).toContain(4);
  });

  it("etcd-io/raft #79: a leader that removes itself ends its leadership with that, and hands over", () => {
    const scene = new RaftScene(
      "add-nodes 3",
      "campaign n1",
      "stabilize",
      "change n1 remove n1",
      "stabilize",
    );
    expect(scene.status("n1")).toContain("n1 follower");
    expect(
      [scene.status("n2"), scene.status("n3")].filter((line) => line.includes(" leader term=2")),
    ).toHaveLength(1);
    scene.play("tick n1 count=60");
    expect(scene.status("n1")).toContain("n1 follower");
  });

  it("NuRaft #553: a learner cannot be made the leader, by a transfer or by a message", () => {
    const leader = new LoneMember({ voters: 4, learners: [4] });
    leader.elect(2);
    leader.acknowledge(2, 1);
    leader.step({ kind: "transfer-leadership", id: 50, to: member(4) });
    expect(leader.did("transfer-ended")).toMatchObject([{ outcome: "not-a-voter" }]);
    const learner = new LoneMember({ voters: 3, learners: [1], terms: [1], term: 1 });
    learner.receive(2, { kind: "timeout-now", term: term(1) });
    expect(learner.status).toMatchObject({ role: "follower", term: 1 });
  });

  it("openraft #1806: nor a target that has not heard yet that it votes; the leader leads on after a timeout", () => {
    const scene = new RaftScene("add-nodes 3 learners=1", "campaign n1", "stabilize", "change n1 promote n3");
    scene.play("stabilize n1 n2", "drop to=n3", "transfer n1 n3", "timeout-now n1 n3 term=1");
    expect(scene.status("n3")).toContain("n3 follower term=1");
    const ended = scene.play(
      ...Array.from({ length: 12 }, () => ["tick n1", "stabilize n1 n2", "drop to=n3"]).flat(),
    );
    expect(linesWith(ended, "transfer ended: timed-out")).toHaveLength(1);
    expect(scene.status("n1")).toContain("leader term=1");
  });

  it("ra #251: a transfer with a member down needs no more members than any election", () => {
    const scene = new RaftScene("add-nodes 3", "campaign n1", "stabilize", "crash n3");
    const lines = scene.play("transfer n1 n2", "stabilize");
    expect(scene.status("n2")).toContain("leader term=2");
    expect(linesWith(lines, "transfer ended: done")).toHaveLength(1);
  });

  it("etcd #21178, #20269: a member that has nothing survives a leader that believes it to have everything", () => {
    const one = new LoneMember({ term: 1 });
    one.receive(2, { kind: "heartbeat", term: term(1), round: 1, commit: at(180_018) });
    expect(one.status).toMatchObject({ commit: 0, repairUntil: { term: 1, index: 180_018 } });
    expect(one.did("loss-noticed")).toHaveLength(1); // it votes for nobody who has less than that
    one.receive(2, append(logOf([1]), 0, 1, { term: 1, commit: 1 }));
    expect(one.status).toMatchObject({ last: { index: 1 }, commit: 1 });
  });

  it("etcd #21178: and a leader tells a member that is new nothing of commits before it has acknowledged something", () => {
    const one = new LoneMember({ terms: [1, 1, 1], commit: 3 });
    one.elect(2);
    one.acknowledge(2, 4);
    one.change({ kind: "add-learner", member: member(4) });
    one.acknowledge(2, 5);
    one.clear();
    one.tick();
    expect(one.sent("heartbeat").map(({ to, message }) => [to, message.commit])).toContainEqual([4, 0]);
  });
});

describe("membership as applied", () => {
  it("etcd #21694: a learner whose URLs change stays a learner, and can be promoted", () => {
    const updated = applied(three, addLearner(4), {
      kind: "update",
      id: member(4),
      peerUrls: ["http://new"],
    });
    expect(updated.configuration.learners).toEqual([4n]);
    expect(applied(updated, { kind: "promote", id: member(4) }).configuration.incoming).toContain(4n);
  });

  it("etcd #21610: a member that is not in the membership of a snapshot is not removed by that", () => {
    const retired: string[] = [];
    const asked: bigint[] = [];
    const retirement = new Retirement(
      { memberId: member(4) },
      { ask: (id) => asked.push(id), retire: (why) => retired.push(why) },
    );
    // Of a snapshot from before it was added: it is nowhere, and not among the removed ones either.
    retirement.configurationApplied(three.configuration, three.removed.includes(member(4)));
    retirement.tick();
    expect([asked, retired]).toEqual([[], []]);
    const without = applied(three, addLearner(4), { kind: "remove", id: member(4) });
    retirement.configurationApplied(without.configuration, without.removed.includes(member(4)));
    expect(asked).toEqual([1n, 2n, 3n]);
  });

  it("etcd #13119: a removal that is applied again, as after a restart, does nothing", () => {
    const request = { changeId: 7n, change: { kind: "remove", id: member(3) } } as const;
    const once = changeMembership(three, request);
    if (!once.ok) throw new Error(once.error.code);
    expect(changeMembership(once.membership, request)).toEqual(once);
    expect(changeMembership(once.membership, { ...request, changeId: 8n })).toMatchObject({
      ok: false,
      error: { code: "member-not-found" },
    });
  });

  it("etcd #20967: an id that was removed never comes back", () => {
    const without = applied(three, { kind: "remove", id: member(3) });
    const again = changeMembership(without, { changeId: 9n, change: addLearner(3) });
    expect(again).toMatchObject({ ok: false });
    const found = { kind: "found", clusterId: 0xcn, members: [1, 2, 3].map(clusterMember) } as const;
    expect(applied(without, found).configuration.incoming).toEqual([1n, 2n]);
  });

  it("etcd #12285, #13213: a cluster with learners can be begun anew, from a voter and from a learner", () => {
    const four = applied(three, addLearner(4));
    for (const survivor of [2, 4]) {
      const anew = applied(four, { kind: "refound", clusterId: 0xdn, member: clusterMember(survivor) });
      const configuration = { incoming: [member(survivor)], outgoing: [], learners: [] };
      expect(anew).toMatchObject({ configuration, members: [{ id: member(survivor) }] });
    }
  });

  it("Redpanda #2290: no configuration is left without voters, in either half", () => {
    const alone = applied(three, { kind: "remove", id: member(3) }, { kind: "remove", id: member(2) });
    const last = { changeId: 10n, change: { kind: "remove", id: member(1) } } as const;
    expect(changeMembership(alone, last)).toMatchObject({ error: { code: "no-voters-left" } });
    const replaced = applied(alone, { kind: "replace", id: member(1), by: clusterMember(5) });
    expect(replaced.configuration).toEqual({ incoming: [5n], outgoing: [1n], learners: [] });
  });

  it("nats-server #7545: no change is taken that the members who answer could not carry", () => {
    const one = new LoneMember({ voters: 5 });
    one.elect(2, 3);
    for (const follower of [2, 3]) one.acknowledge(follower, 1);
    expect(one.status.established).toBe(true); // 4 and 5 never answered
    const grow: MembershipChange = { kind: "add", member: clusterMember(6), learner: false, learnersMax: 1 };
    expect(judgeReconfiguration(grow, one.status)).toBeDefined();
    expect(judgeReconfiguration({ kind: "remove", id: member(2) }, one.status)).toBeDefined();
    expect(judgeReconfiguration({ kind: "remove", id: member(5) }, one.status)).toBeUndefined();
  });
});
