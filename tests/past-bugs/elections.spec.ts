import { at, LoneMember, member, term } from "../../libs/raft/src/testing/lone-member";
import { idAt, logOf } from "../../libs/raft/src/testing/log-fixtures";
import { RAFT_DEFAULTS } from "../../libs/raft/src/options";
import { linesWith, RaftScene } from "./raft-scene";

const heartbeat = (now: number, round = 1) =>
  ({ kind: "heartbeat", term: term(now), round, commit: at(0) }) as const;
const preVote = (now: number, log = idAt([], 0)) =>
  ({ kind: "pre-vote", term: term(now), last: log, committed: undefined }) as const;
const vote = (now: number, log = idAt([], 0)) =>
  ({ kind: "vote", term: term(now), last: log, transfer: false }) as const;

describe("elections", () => {
  it("etcd #8501: a member with the higher term and one with the longer log do not wait for each other for ever", () => {
    const ahead = new LoneMember({ terms: [1], term: 9 }); // it cannot win: its log is the shorter one
    ahead.tick(10);
    ahead.receive(2, preVote(2, idAt(logOf([1, 1]), 2)));
    const [answer] = ahead.sent("pre-vote-response");
    expect(answer).toMatchObject({ to: 2, message: { granted: false, term: 9 } });

    const behind = new LoneMember({ terms: [1, 1], term: 1 });
    behind.tickUntilCampaign();
    behind.receive(2, answer!.message);
    expect(behind.status).toMatchObject({ role: "follower", term: 9 });
    behind.clear();
    behind.tickUntilCampaign();
    expect(behind.sent("pre-vote")[0]).toMatchObject({ message: { term: 10, last: { index: 2 } } });
    ahead.receive(2, behind.sent("pre-vote")[0]!.message);
    expect(ahead.sent("pre-vote-response").at(-1)).toMatchObject({ message: { granted: true } });
  });

  it("etcd #8501: pre-vote and check-quorum cannot be switched off, so no two members differ in them", () => {
    expect(Object.keys(RAFT_DEFAULTS).filter((name) => /vote|quorum|lease/i.test(name))).toEqual([]);
  });

  it("etcd #8243: a member of an old term that comes back as the leader dies takes part in the next election", () => {
    const scene = new RaftScene("add-nodes 3", "campaign n1", "stabilize n1 n2", "drop to=n3");
    // n3 hears nothing, while n1 and n2 go on to later terms.
    for (const candidate of ["n2", "n1", "n2"]) {
      scene.play("tick n1 n2 count=11", `campaign ${candidate}`, "stabilize n1 n2", "drop to=n3");
    }
    const term = /term=(\d+)/.exec(scene.status("n2"))![1]!;
    expect(Number(term)).toBeGreaterThan(1);
    expect(scene.status("n3")).toContain("term=0");

    scene.play("crash n2", "tick n1 n3 count=11", "campaign n1", "stabilize");
    scene.play("tick n1 n3 count=14", "stabilize", "tick n1 n3 count=14", "stabilize");
    expect(scene.status("n1")).toContain("leader");
    expect(scene.status("n3")).toContain("leader=n1");
  });

  it("etcd #14893: a member that was cut off does not depose the leader when it is back", () => {
    const scene = new RaftScene("add-nodes 3", "campaign n1", "stabilize");
    for (let times = 0; times < 5; times += 1) {
      scene.play("tick n3 count=20", "drop from=n3"); // campaigns that nobody hears
      scene.play("tick n1", "drop to=n3", "stabilize n1 n2");
    }
    expect(scene.status("n3")).toMatch(/^n3 pre-candidate term=1 /);
    scene.play("tick n3 count=20", "stabilize", "tick n1", "stabilize");
    expect(scene.status("n1")).toContain("leader term=1");
    expect(scene.status("n3")).toContain("follower term=1 vote=n1 leader=n1");
  });

  it("CockroachDB #104042: whoever hears the leader gives no vote to a member that does not", () => {
    const one = new LoneMember({ terms: [1], term: 1 });
    one.receive(2, heartbeat(1));
    one.receive(3, preVote(2, idAt(logOf([1]), 1)));
    one.receive(3, vote(2, idAt(logOf([1]), 1)));
    expect(one.sent("pre-vote-response")).toMatchObject([{ message: { granted: false } }]);
    expect(one.sent("vote-response")).toEqual([]);
    expect(one.status).toMatchObject({ term: 1, leader: member(2) });
  });

  it("hashicorp/raft #606: a leader that resigned gets the vote of those who followed it", () => {
    const scene = new RaftScene("add-nodes 3", "campaign n1", "stabilize", "crash n3");
    scene.play("tick n1 count=11", "drop"); // its heartbeats are lost, and it resigns
    expect(scene.status("n1")).toContain("follower");
    scene.play("campaign n1", "stabilize");
    expect(scene.status("n1")).toContain("leader term=2");
  });

  it("hashicorp/raft #609: a member that would grant a vote does not put its own campaign off for that", () => {
    const one = new LoneMember({ terms: [1], term: 1 });
    let ticks = 0;
    while (one.status.role === "follower" && ticks < 40) {
      one.tick();
      ticks += 1;
      one.receive(2, preVote(2, idAt(logOf([1]), 1)));
    }
    expect(one.sent("pre-vote-response").some(({ message }) => message.granted)).toBe(true);
    expect(ticks).toBeLessThan(20);
  });

  it("raft-rs #221: a member asked to take over does not campaign before it has applied who votes", () => {
    const scene = new RaftScene("add-nodes 3", "campaign n1", "stabilize", "change n1 remove n3");
    scene.play("persist n1", "deliver to=n2", "persist n2", "deliver to=n1", "persist n1", "deliver to=n2");
    scene.play("persist n2");
    expect(scene.status("n2")).toContain("commit=2 applied=1");
    const asked = scene.play("timeout-now n1 n2 term=1");
    expect(linesWith(asked, "candidate")).toEqual([]);
    expect(linesWith(scene.play("apply n2"), "n2 -> n3 vote")).toEqual([]);
  });

  it("nats-server #7698: a leader that steps down has voted in its term, and does not vote again", () => {
    const one = new LoneMember();
    one.elect(2);
    one.acknowledge(2, 1);
    one.tick(12);
    expect(one.status).toMatchObject({ role: "follower", term: 1, vote: member(1) });
    one.tick(9);
    one.clear();
    one.receive(3, vote(1, { term: term(1), index: at(9) }));
    expect(one.sent("vote-response")).toMatchObject([{ message: { granted: false } }]);
  });

  it("nats-server #5671: an old append does not make a candidate fall back to an older term", () => {
    const one = new LoneMember({ terms: [1], term: 3 });
    one.stand(2);
    one.receive(3, heartbeat(3));
    expect(one.status).toMatchObject({ role: "candidate", term: 4, vote: member(1) });
  });

  it("nats-server #7297: what a leader had still to send does not leave under the term that deposed it", () => {
    const one = new LoneMember();
    one.elect(2);
    one.acknowledge(2, 1);
    one.clear();
    const propose = { kind: "propose", id: 99, expectedTerm: term(1), data: Uint8Array.of(1) } as const;
    const deposed = { kind: "receive", from: member(3), incarnation: 1, message: heartbeat(2) } as const;
    one.step(propose, deposed); // in one turn: the append is made, and then it does not lead any more
    expect(one.status).toMatchObject({ role: "follower", term: 2, leader: member(3) });
    expect(one.sent("append")).toEqual([]);
    expect(one.sent("heartbeat")).toEqual([]);
  });
});
