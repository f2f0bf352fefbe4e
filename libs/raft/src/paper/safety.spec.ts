import type { Message } from "../message";
import { at, LoneMember, member, term } from "../testing/lone-member";
import { append, idAt, logOf } from "../testing/log-fixtures";

/** Raft paper, sections 5.4 to 5.6. What needs a whole cluster is checked by random-cluster.spec.ts, figure 3 rule by rule. */

describe("Committing entries of former terms (§5.4.2, figure 8)", () => {
  it("an entry of a former term is not committed by counting, on however many disks it is", () => {
    const one = new LoneMember({ terms: [1, 2], voters: 5 });
    one.elect(2, 3);
    for (const follower of [2, 3, 4, 5]) one.acknowledge(follower, 2);
    expect(one.status).toMatchObject({ commit: 0, established: false });
    one.acknowledge(2, 3);
    expect(one.status.commit).toBe(0);
    one.acknowledge(3, 3);
    expect(one.status).toMatchObject({ commit: 3, established: true });
  });

  it("figure 8 (d): such an entry can still be overwritten by a leader of a later term", () => {
    const one = new LoneMember({ terms: [1, 2], term: 4, commit: 1 });
    one.receive(5, append(logOf([1, 3]), 1, 2, { term: 5, commit: 1 }));
    expect(one.status.last).toEqual({ term: 3, index: 2 });
  });

  it("figure 8 (e): once an entry of the own term is on a majority, the one with the overwriting log is not elected", () => {
    const one = new LoneMember({ terms: [1, 2, 4], term: 4 });
    one.tick(10);
    one.receive(5, { kind: "vote", term: term(5), last: idAt(logOf([1, 3]), 2), transfer: false });
    expect(one.sent("vote-response")).toMatchObject([{ message: { granted: false } }]);
  });

  it("a leader opens its term with an entry, so that it need not wait for a client to find out what is committed", () => {
    const one = new LoneMember({ terms: [1] });
    one.elect(2);
    expect(one.did("persist").at(-1)?.entries).toMatchObject([{ term: 2, index: 2, type: "empty" }]);
  });
});

describe("Terms that are over (§5.1)", () => {
  const inTurn = (one: LoneMember, ...messages: readonly (readonly [number, Message])[]): void =>
    one.step(
      ...messages.map(
        ([from, message]) => ({ kind: "receive", from: member(from), incarnation: 1, message }) as const,
      ),
    );
  const first = append(logOf([1]), 0, 1, { term: 1, commit: 0 });
  const other = append(logOf([2]), 0, 1, { term: 2, commit: 0 });

  it("an entry that is replaced before it is written is not acknowledged, neither then nor when that write is done", () => {
    const one = new LoneMember({ term: 1 });
    one.holdsWrites = true;
    one.receive(2, first);
    one.receive(3, other);
    one.persist();
    expect(one.sent("append-response")).toEqual([]);
    one.persist();
    expect(one.sent("append-response").map(({ to, message }) => [to, message.term])).toEqual([[3, 2]]);
  });

  it("nor is one that is replaced within the same turn, and so never written", () => {
    const one = new LoneMember({ term: 1 });
    inTurn(one, [2, first], [3, other]);
    expect(one.did("persist").flatMap(({ entries }) => entries)).toMatchObject([{ term: 2, index: 1 }]);
    expect(one.sent("append-response").map(({ to, message }) => [to, message.term])).toEqual([[3, 2]]);
  });

  it("a leader is not answered in the turn in which the member learns of a later one", () => {
    const one = new LoneMember({ term: 1 });
    inTurn(one, [2, { kind: "heartbeat", term: term(1), round: 4, commit: at(0) }], [3, other]);
    expect(one.sent("heartbeat-response")).toEqual([]);
  });
});

describe("Members that crash (§5.5)", () => {
  it("requests to them are repeated, and answered twice without harm", () => {
    const one = new LoneMember({ term: 1 });
    const message = append(logOf([1]), 0, 1, { term: 1, commit: 1 });
    one.receive(2, message);
    one.receive(2, message);
    expect(one.sent("append-response").map(({ message: { outcome } }) => outcome)).toEqual([
      { kind: "accepted", match: 1 },
      { kind: "accepted", match: 1 },
    ]);
    expect(one.did("apply")).toHaveLength(1);
    expect(one.status.last.index).toBe(1);
  });

  it("one that came back may have lost what was never acknowledged, and is looked at anew", () => {
    const one = new LoneMember();
    one.elect(2);
    one.acknowledge(3, 1);
    one.receive(3, { kind: "heartbeat-response", term: term(1), round: 0, needsSnapshot: false }, 2);
    expect(one.status.peers.find(({ member }) => member === 3n)).toMatchObject({ state: "probe", match: 0 });
  });

  it("what one said before it came back is not heard any more: a late acknowledgement commits nothing", () => {
    const one = new LoneMember();
    one.elect(2);
    one.receive(3, { kind: "heartbeat-response", term: term(1), round: 0, needsSnapshot: false }, 2);
    one.acknowledge(3, 1); // of its first start
    expect(one.status.commit).toBe(0);
    const outcome = { kind: "accepted", match: at(1) } as const;
    one.receive(3, { kind: "append-response", term: term(1), round: 0, outcome }, 2);
    expect(one.status.commit).toBe(1);
  });
});

describe("Timing (§5.6; thesis §6.2)", () => {
  it("a leader that no majority answers gives up within an election timeout, so that clients go elsewhere", () => {
    const one = new LoneMember();
    one.elect(2);
    one.tick(10);
    expect(one.status.role).toBe("leader");
    one.tick();
    expect(one.status).toMatchObject({ role: "follower", leader: undefined });
  });

  it("late answers to old questions do not keep it", () => {
    const one = new LoneMember();
    one.elect(2);
    one.tick();
    const { round } = one.sent("heartbeat")[0]!.message;
    one.tick(10);
    one.receive(2, { kind: "heartbeat-response", term: term(1), round, needsSnapshot: false });
    one.tick(2);
    expect(one.status.role).toBe("follower");
  });

  it("two leaders of one term are a fault that stops the member", () => {
    const one = new LoneMember();
    one.elect(2);
    const heartbeat = { kind: "heartbeat", term: term(1), round: 1, commit: at(0) } as const;
    expect(() => one.receive(3, heartbeat)).toThrow(/one leader/);
  });
});
