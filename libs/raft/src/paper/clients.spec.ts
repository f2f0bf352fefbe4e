import { LoneMember, term } from "../testing/lone-member";

/** Raft paper, section 8 (and thesis §6.3, §6.4). */

function established(): LoneMember {
  const one = new LoneMember();
  one.elect(2);
  one.acknowledge(2, 1);
  one.clear();
  return one;
}

const answer = (now: number, round: number) =>
  ({ kind: "heartbeat-response", term: term(now), round, needsSnapshot: false }) as const;

describe("Commands (§8)", () => {
  it("only the leader takes them", () => {
    const one = new LoneMember();
    const id = one.propose("x");
    expect(one.did("proposal-refused")).toMatchObject([{ id, reason: "not-leader" }]);
    expect(one.status.last.index).toBe(0);
  });

  it("only in the term that the client expects, so that a late one is not carried out after a refusal elsewhere", () => {
    const one = established();
    one.propose("x", 2);
    one.propose("y", 0);
    expect(one.did("proposal-refused").map(({ reason }) => reason)).toEqual(["wrong-term", "wrong-term"]);
    expect(one.status.last.index).toBe(1);
  });

  it("a leader says where each stands, and applies it there: the answer to the client", () => {
    const one = established();
    const id = one.propose("x");
    expect(one.did("proposed")).toMatchObject([{ id, index: 2, term: 1 }]);
    one.acknowledge(2, 2);
    expect(one.did("apply").flatMap(({ entries }) => entries)).toMatchObject([{ index: 2, term: 1 }]);
  });

  it("too many that are not committed are refused, which is definite", () => {
    const one = new LoneMember({ uncommittedBytesMax: 200 });
    one.elect(2);
    for (let times = 0; times < 5; times += 1) one.propose("x".repeat(60));
    expect(one.did("proposal-refused").map(({ reason }) => reason)).toContain("overloaded");
    expect(one.did("proposed").length + one.did("proposal-refused").length).toBe(5);
  });
});

describe("Reads (§8)", () => {
  it("first measure: none before the leader has committed an entry of its own term", () => {
    const one = new LoneMember({ terms: [1], commit: 1 });
    one.elect(2);
    one.clear();
    const id = one.read();
    one.tick();
    one.receive(2, answer(2, one.sent("heartbeat").at(-1)!.message.round));
    expect(one.did("read-ready")).toEqual([]);
    one.acknowledge(2, 2);
    one.tick();
    one.receive(2, answer(2, one.sent("heartbeat").at(-1)!.message.round));
    expect(one.did("read-ready")).toMatchObject([{ ids: [id], index: 2 }]);
  });

  it("second measure: each waits for a majority to answer a question that was sent after the read came", () => {
    const one = established();
    one.tick();
    const before = one.sent("heartbeat")[0]!.message.round;
    one.clear();
    const id = one.read();
    const after = one.sent("heartbeat")[0]!.message.round;
    expect(after).toBeGreaterThan(before);
    one.receive(2, answer(1, before));
    expect(one.did("read-ready")).toEqual([]);
    one.receive(2, answer(1, after));
    expect(one.did("read-ready")).toMatchObject([{ ids: [id], index: 1 }]);
  });

  it("the answer is the commit index of when it came, not of when it was confirmed", () => {
    const one = established();
    one.read();
    const { round } = one.sent("heartbeat")[0]!.message;
    one.propose("x");
    one.acknowledge(2, 2, 0);
    one.receive(3, answer(1, round));
    expect(one.did("read-ready")).toMatchObject([{ index: 1 }]);
  });

  it("a leader that is deposed answers none", () => {
    const one = established();
    const id = one.read();
    one.receive(3, { kind: "heartbeat-response", term: term(2), round: 0, needsSnapshot: false });
    expect(one.did("read-failed")).toMatchObject([{ ids: [id], reason: "leader-changed" }]);
    expect(one.did("read-ready")).toEqual([]);
  });

  it("a leader without others needs no answer", () => {
    const one = new LoneMember({ voters: 1 });
    one.elect();
    const id = one.read();
    expect(one.did("read-ready")).toMatchObject([{ ids: [id], index: 1 }]);
  });
});
