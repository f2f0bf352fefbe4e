import { RAFT_DEFAULTS } from "../../libs/raft/src/options";
import { at, LoneMember, member, term } from "../../libs/raft/src/testing/lone-member";
import { linesWith, RaftScene } from "./raft-scene";

const answer = (now: number, round: number) =>
  ({ kind: "heartbeat-response", term: term(now), round, needsSnapshot: false }) as const;

function established(voters = 3): LoneMember {
  const one = new LoneMember({ voters });
  one.elect(...[2, 3].slice(0, voters >> 1));
  for (const follower of [2, 3].slice(0, voters >> 1)) one.acknowledge(follower, 1);
  one.clear();
  return one;
}

describe("linearizable reads", () => {
  it("etcd #20418, etcd-io/raft #397: late answers to a read's first round do not confirm it when it is asked again", () => {
    const one = established();
    const ask = { kind: "read-index", id: 7 } as const;
    one.step(ask);
    const first = one.sent("heartbeat").at(-1)!.message.round;
    one.step(ask); // tried again under the same id, while the answers are on their way
    one.receive(2, answer(1, first));
    expect(one.did("read-ready")).toMatchObject([{ ids: [7] }]); // the first time that it was asked
    const second = one.sent("heartbeat").at(-1)!.message.round;
    expect(second).toBeGreaterThan(first);
    one.receive(3, answer(1, first));
    expect(one.did("read-ready")).toHaveLength(1);
    one.receive(3, answer(1, second));
    expect(one.did("read-ready")).toHaveLength(2);
  });

  it("etcd #20418: a leader that was paused reads nothing while another one leads, whatever was answered before", () => {
    const scene = new RaftScene("add-nodes 3", "campaign n1", "stabilize");
    scene.play("tick n1", "deliver to=n2,n3 kind=heartbeat"); // the answers are held up, and n1 pauses
    scene.play("campaign n2", "stabilize n2 n3", "propose n2 newer", "stabilize n2 n3");
    expect(scene.status("n2")).toContain("leader term=2");
    const lines = scene.play("read n1 1", "deliver to=n1 kind=heartbeat-response count=2");
    expect(linesWith(lines, "n2 ->")).toEqual([]);
    expect(linesWith(lines, "ready")).toEqual([]);
    expect(scene.status("n1")).toContain("leader term=1");
    expect(linesWith(scene.play("stabilize"), "read 1 failed: leader-changed")).toHaveLength(1);
  });

  it("etcd #7331: a new leader answers no read before it has committed an entry of its own term", () => {
    const one = new LoneMember({ terms: [1, 1], commit: 1 }); // entry 2 may be committed: it does not know
    one.elect(2);
    one.clear();
    const id = one.read();
    one.tick();
    one.receive(2, answer(2, one.sent("heartbeat").at(-1)!.message.round));
    expect(one.did("read-ready")).toEqual([]);
    one.acknowledge(2, 3);
    one.tick();
    one.receive(2, answer(2, one.sent("heartbeat").at(-1)!.message.round));
    expect(one.did("read-ready")).toMatchObject([{ ids: [id], index: 3 }]);
  });

  it("TiKV #9239: a leader that has just taken over answers at the index of its own term, not at the one it knew", () => {
    const scene = new RaftScene("add-nodes 3", "campaign n1", "stabilize", "propose n1 a");
    scene.play("persist n1", "deliver to=n2,n3", "persist n2 n3", "deliver to=n1"); // committed; n2 is not told
    scene.play("drop", "transfer n1 n2");
    expect(scene.status("n2")).toContain("commit=1");
    scene.play("deliver to=n2 kind=timeout-now", "persist n2");
    scene.play("deliver to=n1,n3 kind=vote", "persist n1 n3", "deliver to=n2 kind=vote-response");
    expect(scene.status("n2")).toContain("leader term=2");
    const lines = [...scene.play("read n2 1"), ...scene.play("stabilize")];
    expect(linesWith(lines, "n2 read 1 ready")).toEqual(["n2 read 1 ready at 3"]);
  });

  it("TiKV #4680: a read that comes while another one waits gets a round of its own, also during a transfer", () => {
    const one = established();
    const first = one.read();
    const { round } = one.sent("heartbeat")[0]!.message;
    one.step({ kind: "transfer-leadership", id: 90, to: member(3) });
    one.clear();
    const second = one.read();
    one.receive(2, answer(1, round));
    expect(one.did("read-ready").flatMap(({ ids }) => ids)).toEqual([first]);
    const next = one.sent("heartbeat")[0]!.message.round;
    expect(next).toBeGreaterThan(round);
    one.receive(2, answer(1, next));
    expect(one.did("read-ready").flatMap(({ ids }) => ids)).toEqual([first, second]);
  });

  it("etcd #11483: a read that cannot be answered is refused, not forgotten", () => {
    const follower = new LoneMember({ term: 1 });
    const lost = follower.read();
    expect(follower.did("read-failed")).toMatchObject([{ ids: [lost], reason: "no-leader" }]);
    const leader = established();
    leader.receive(2, { kind: "read-index", term: term(1), id: 5 });
    leader.receive(3, answer(2, 0));
    expect(leader.sent("read-index-response")).toMatchObject([
      { to: 2, message: { id: 5, index: undefined } },
    ]);
  });

  it("etcd-io/raft #105: a cluster of one reads nothing older than what it has answered, after a crash too", () => {
    // The commit index on disk is behind: it was 1, and entries 2 and 3 had been applied and answered.
    const one = new LoneMember({ voters: 1, terms: [1, 1, 1], commit: 1 });
    one.holdsWrites = true;
    one.tickUntilCampaign();
    one.persist(); // its vote; the entry that opens its term is being written
    expect(one.status).toMatchObject({ role: "leader", commit: 1 });
    const id = one.read();
    expect(one.did("read-ready")).toEqual([]);
    one.persist();
    expect(one.did("read-ready")).toMatchObject([{ ids: [id], index: 4 }]);
  });

  it("etcd #21375: the answer of the leader before is worth nothing once another one leads", () => {
    const one = new LoneMember({ terms: [1], term: 1, commit: 1 });
    one.receive(2, { kind: "heartbeat", term: term(1), round: 1, commit: at(1) });
    const id = one.read();
    const asked = one.sent("read-index").at(-1)!.message;
    one.receive(3, { kind: "heartbeat", term: term(2), round: 1, commit: at(1) });
    expect(one.did("read-failed")).toMatchObject([{ ids: [id], reason: "leader-changed" }]);
    const again = one.read(); // asked again, of the new leader
    one.receive(2, { kind: "read-index-response", term: term(1), id: asked.id, index: at(1) });
    expect(one.did("read-ready")).toEqual([]);
    const { id: now } = one.sent("read-index").at(-1)!.message;
    expect(now).not.toBe(asked.id);
    one.receive(3, { kind: "read-index-response", term: term(2), id: now, index: at(1) });
    expect(one.did("read-ready")).toMatchObject([{ ids: [again] }]);
  });

  it("raft-rs #368: a read that waited for a member that is removed is answered by those who are left", () => {
    const one = new LoneMember({ voters: 2 });
    one.elect(2);
    one.acknowledge(2, 1);
    one.change({ kind: "remove", member: member(2) });
    one.clear();
    const id = one.read();
    expect(one.did("read-ready")).toEqual([]);
    one.acknowledge(2, 2); // it has the entry that removes it, and says nothing any more
    expect(one.did("read-ready")).toMatchObject([{ ids: [id] }]);
  });

  it("raft-rs #140: a read by a lease alone does not exist, so it cannot be had without check-quorum", () => {
    expect(Object.keys(RAFT_DEFAULTS).filter((name) => /lease|readOnly/i.test(name))).toEqual([]);
    const cutOff = established();
    cutOff.read();
    cutOff.tick(30);
    expect(cutOff.did("read-ready")).toEqual([]);
    expect(cutOff.did("read-failed")).toHaveLength(1);
    expect(cutOff.status.role).not.toBe("leader");
  });

  it("Redpanda #10921: a member that does not lead confirms nothing to others", () => {
    const one = new LoneMember({ terms: [1], term: 1, commit: 1 });
    one.receive(2, { kind: "read-index", term: term(1), id: 3 });
    expect(one.sent("read-index-response")).toMatchObject([{ to: 2, message: { index: undefined } }]);
  });
});
