import { at, LoneMember, term } from "../../libs/raft/src/testing/lone-member";
import { append, idAt, logOf } from "../../libs/raft/src/testing/log-fixtures";
import { linesWith, RaftScene } from "./raft-scene";

const appended = (one: LoneMember) => one.sent("append-response").map(({ message }) => message.outcome);

describe("replication", () => {
  it("etcd #14370: a cluster of one acknowledges nothing before its own disk has it", () => {
    const one = new LoneMember({ voters: 1 });
    one.elect();
    one.clear();
    one.holdsWrites = true;
    one.propose("x");
    expect(one.did("persist")).toMatchObject([{ entries: [{ index: 2 }] }]);
    expect(one.status).toMatchObject({ last: { index: 2 }, commit: 1 });
    expect(one.did("apply")).toEqual([]);
    one.persist();
    expect(one.did("apply").flatMap(({ entries }) => entries)).toMatchObject([{ index: 2 }]);
  });

  it("nats-server #5661: a late append of an older term takes nothing out of the log", () => {
    const one = new LoneMember({ terms: [1, 2, 2], term: 2 });
    one.receive(3, append(logOf([1, 1]), 1, 2, { term: 1, commit: 0 }));
    expect(one.status.last).toEqual({ term: 2, index: 3 });
    expect(one.did("persist")).toEqual([]);
    expect(appended(one)).toEqual([]); // and it is no acknowledgement either
  });

  it("nats-server #5714: the sender of such an append learns that its term is over", () => {
    const one = new LoneMember({ terms: [1, 2], term: 2 });
    one.receive(3, append(logOf([1, 1]), 1, 2, { term: 1, commit: 0 }));
    expect(one.sent("heartbeat-response")).toMatchObject([{ to: 3, message: { term: 2, round: 0 } }]);
  });

  it("nats-server #5689: an answer of a higher term changes the term and leaves the log as it is", () => {
    const one = new LoneMember({ terms: [1, 1] });
    one.elect(2);
    one.acknowledge(2, 3);
    one.clear();
    const outcome = { kind: "rejected", previous: at(1), hint: idAt([], 0) } as const;
    one.receive(3, { kind: "append-response", term: term(7), round: 0, outcome });
    expect(one.status).toMatchObject({ role: "follower", term: 7, last: { term: 2, index: 3 }, commit: 3 });
    expect(one.did("persist").filter(({ truncateFrom }) => truncateFrom !== undefined)).toEqual([]);
  });

  it("nats-server #5957: an entry that a leader stored and nobody else has is gone when the next leader writes", () => {
    const one = new LoneMember({ terms: [1, 1], term: 1, commit: 1 });
    one.receive(2, append(logOf([1, 2]), 1, 2, { term: 2, commit: 1 }));
    expect(one.status.last).toEqual({ term: 2, index: 2 });
    expect(appended(one)).toEqual([{ kind: "accepted", match: 2 }]);
  });

  it("nats-server #6073: exactly what conflicts is removed, not one entry more", () => {
    const one = new LoneMember({ terms: [1, 1, 1, 1], commit: 2 });
    one.clear();
    one.receive(2, append(logOf([1, 1, 1, 2]), 3, 4, { term: 2, commit: 2 }));
    expect(one.did("persist")).toMatchObject([{ truncateFrom: 4, entries: [{ term: 2, index: 4 }] }]);
    expect(one.status).toMatchObject({ last: { term: 2, index: 4 }, commit: 2 });
  });

  it("nats-server #8023: nothing below the commit index is removed, whoever says so; the member stops instead", () => {
    const one = new LoneMember({ terms: [1, 1, 1], commit: 3 });
    expect(() => one.receive(2, append(logOf([1, 2, 2]), 2, 3, { term: 2, commit: 0 }))).toThrow(
      /log matching/,
    );
    expect(() => one.receive(2, append(logOf([1, 1, 2]), 2, 3, { term: 2, commit: 0 }))).toThrow();
    expect(one.status.commit).toBe(3);
  });

  it("nats-server #6951: who voted in a newer term takes nothing more from the leader before", () => {
    const one = new LoneMember({ term: 1 });
    one.receive(2, append([], 0, 0, { term: 1, commit: 0 }));
    one.tick(10);
    one.receive(3, { kind: "vote", term: term(2), last: idAt([], 0), transfer: false });
    expect(one.sent("vote-response")).toMatchObject([{ message: { granted: true } }]);
    one.receive(2, append(logOf([1]), 0, 1, { term: 1, commit: 1 }));
    expect(one.status).toMatchObject({ last: { index: 0 }, commit: 0 });
  });

  it("nats-server #7955: entries of former terms are committed with the first of the own term, never by themselves", () => {
    const one = new LoneMember({ terms: [1, 1, 2] });
    one.elect(2);
    for (const follower of [2, 3]) one.acknowledge(follower, 3);
    expect(one.status).toMatchObject({ term: 3, commit: 0, established: false });
    one.acknowledge(2, 4);
    expect(one.status).toMatchObject({ commit: 4, established: true });
  });

  it("nats-server #6944: a follower that catches up on former terms' entries does not make them committed", () => {
    const scene = new RaftScene("add-nodes 3 append-bytes=1", "campaign n1", "stabilize");
    scene.play("propose n1 a b", "persist n1", "drop", "crash n1"); // only n1 has a and b
    scene.play("campaign n2", "deliver", "deliver", "persist n2", "deliver", "persist n3", "deliver");
    expect(scene.status("n2")).toContain("leader term=2");
    scene.play("persist n2", "drop", "crash n2"); // and only n2 the entry that opened term 2
    scene.play("restart n1");
    for (const election of [2, 3]) {
      scene.play("campaign n1", "deliver", "deliver", "persist n1 n3", "deliver", "persist n3", "deliver");
      expect(scene.status("n1")).toContain(election === 2 ? "follower term=2" : "leader term=3");
    }
    // n3 gets a and b, one by one, but not the entry that opens term 3.
    scene.play("persist n1");
    for (let round = 0; round < 3; round += 1) {
      scene.play("deliver to=n3 count=1", "persist n3", "deliver to=n1", "persist n1");
      expect(scene.status("n1")).toContain("commit=1 ");
    }
    expect(scene.status("n3")).toContain("last=3@1");
    // So n3 may vote for n2, and a and b are replaced: nobody was told that they are there.
    scene.play("crash n1", "drop", "restart n2", "campaign n2", "stabilize n2 n3");
    scene.play("tick n2 n3 count=20", "stabilize n2 n3");
    expect(linesWith(scene.play("raft-log n2 n3"), "2@2")).toHaveLength(2);
  });

  it("Redpanda #17895: a delayed append whose entries are all here truncates nothing behind them", () => {
    const one = new LoneMember({ terms: [1, 1, 1, 1], commit: 4 });
    one.clear();
    one.receive(2, append(logOf([1, 1, 1, 1]), 1, 2, { term: 1, commit: 1 }));
    expect(one.status).toMatchObject({ last: { index: 4 }, commit: 4 });
    expect(one.did("persist")).toEqual([]);
    expect(appended(one)).toEqual([{ kind: "accepted", match: 2 }]);
  });

  it("Redpanda #25018: neither does one that begins with the very first entry", () => {
    const one = new LoneMember({ terms: [1, 1, 1], commit: 3 });
    one.clear();
    one.receive(2, append(logOf([1, 1, 1]), 0, 2, { term: 1, commit: 2 }));
    expect(one.status.last.index).toBe(3);
    expect([one.did("persist"), appended(one)]).toEqual([[], [{ kind: "accepted", match: 2 }]]);
  });

  it("Redpanda #3003: a write is not acknowledged because its entry was there once; it has to be committed", () => {
    const one = new LoneMember({ terms: [1] });
    one.elect(2); // entry 2 opens term 2
    one.clear();
    one.propose("x");
    one.receive(3, append(logOf([1, 3]), 1, 2, { term: 3, commit: 1 })); // deposed, and its entries replaced
    const outcome = { kind: "accepted", match: at(3) } as const;
    one.receive(2, { kind: "append-response", term: term(2), round: 0, outcome }); // what it waited for, too late
    expect(one.did("proposed")).toMatchObject([{ index: 3, term: 2 }]); // the place that the answer waits for
    expect(one.status).toMatchObject({ last: { term: 3, index: 2 }, commit: 1 });
    expect(one.did("apply").flatMap(({ entries }) => entries)).toMatchObject([{ index: 1 }]);
  });

  it("Redpanda #31642: what is told to be committed before it is on disk is applied when it is, without another word", () => {
    const one = new LoneMember({ term: 1 });
    one.holdsWrites = true;
    one.receive(2, append(logOf([1]), 0, 1, { term: 1, commit: 1 }));
    expect(one.did("apply")).toEqual([]);
    one.persist();
    expect(one.did("apply").flatMap(({ entries }) => entries)).toMatchObject([{ index: 1 }]);
  });

  it("etcd #10167: without a quorum a leader takes only so much, and refuses the rest for certain", () => {
    const one = new LoneMember({ uncommittedBytesMax: 300 });
    one.elect(2);
    for (let times = 0; times < 10; times += 1) one.propose("x".repeat(50));
    expect(one.did("proposed").length).toBeLessThan(4);
    expect(one.did("proposal-refused").at(-1)).toMatchObject({ reason: "overloaded" });
    one.acknowledge(2, one.status.last.index);
    one.clear();
    one.propose("again");
    expect(one.did("proposed")).toHaveLength(1);
  });

  it("etcd-io/raft #11: that limit holds for what former leaders left uncommitted, so terms do not add up", () => {
    const one = new LoneMember({ terms: [1, 1, 1, 2, 2, 2], uncommittedBytesMax: 300 });
    one.elect(2);
    one.clear();
    one.propose("x");
    expect(one.did("proposal-refused")).toMatchObject([{ reason: "overloaded" }]);
    one.acknowledge(2, 7); // the entry that opens the term, and with it all before
    expect(one.status.commit).toBe(7);
    for (let times = 0; times < 3; times += 1) one.propose("x");
    expect(one.did("proposed")).toHaveLength(3);
  });

  it("etcd-io/raft, append ABA: a write that was overtaken says nothing of the entry that took its entry's place", () => {
    const one = new LoneMember({ term: 1 });
    one.holdsWrites = true;
    one.receive(2, append(logOf([1, 1]), 0, 2, { term: 1, commit: 0 }));
    one.receive(3, { kind: "heartbeat", term: term(2), round: 1, commit: at(0) });
    one.receive(3, append(logOf([1, 2]), 0, 2, { term: 2, commit: 0 }));
    one.persist(2); // on disk are the first leader's entries and the new term
    one.receive(3, append(logOf([1, 2]), 2, 2, { term: 2, commit: 0 }));
    expect(appended(one).filter((outcome) => outcome.kind === "accepted" && outcome.match === 2)).toEqual([]);
    expect(one.status).toMatchObject({ last: { term: 2, index: 2 }, durable: 1 });
    one.persist();
    expect(one.sent("append-response").at(-1)).toMatchObject({ to: 3, message: { outcome: { match: 2 } } });
  });
});
