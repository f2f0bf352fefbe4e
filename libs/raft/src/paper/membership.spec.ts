import { crcChainHash } from "../chain-hash";
import { configurationData } from "../testing/configuration-data";
import { at, LoneMember, member, term } from "../testing/lone-member";
import { append, idAt, logOf } from "../testing/log-fixtures";

/** Raft paper, section 6 (and thesis §4), with the departures that the README names: a configuration counts when it is applied. */

/** The established leader of `voters`, all of whom hold its log. */
function leader(voters = 3): LoneMember {
  const one = new LoneMember({ voters });
  const others = Array.from({ length: voters - 1 }, (_, other) => other + 2);
  one.elect(...others.slice(0, voters >> 1));
  for (const other of others) one.acknowledge(other, 1);
  expect(one.status.established).toBe(true);
  one.clear();
  return one;
}

describe("Joint consensus (§6)", () => {
  const replace = { kind: "replace", member: member(3), by: member(4) } as const;

  it("while joint, a majority of the new members alone commits nothing, nor does one of the old alone", () => {
    const one = leader();
    one.change(replace);
    one.acknowledge(2, 2);
    expect(one.status.configuration).toMatchObject({ incoming: [1n, 2n, 4n], outgoing: [1n, 2n, 3n] });
    const { index } = one.status.last; // the end of the joint configuration is under way
    one.acknowledge(4, index);
    expect(one.status.commit).toBe(2); // 1 and 4 of {1,2,4}, but only 1 of {1,2,3}
    one.acknowledge(3, index);
    expect(one.status.commit).toBe(index);
  });

  it("while joint, nobody is elected without majorities of both", () => {
    const one = leader();
    one.change(replace);
    one.acknowledge(2, 2);
    one.tick(11); // nobody answers: it follows
    one.clear();
    one.tickUntilCampaign();
    expect(
      one
        .sent("pre-vote")
        .map(({ to }) => to)
        .sort(),
    ).toEqual([2, 3, 4]);
    one.preVote(4, true);
    expect(one.status.role).toBe("pre-candidate");
    one.preVote(3, true);
    expect(one.status.role).toBe("candidate");
  });

  it("the leader leaves the joint configuration by itself, and takes no other change before", () => {
    const one = leader();
    one.change(replace);
    one.acknowledge(2, 2);
    one.clear();
    const id = one.change({ kind: "remove", member: member(2) });
    expect(one.did("proposal-refused")).toMatchObject([{ id, reason: "configuration-pending" }]);
    one.acknowledge(2, 3);
    expect(one.status.configuration).toMatchObject({ incoming: [1n, 2n, 4n], outgoing: [] });
  });

  it("ordinary entries go on meanwhile", () => {
    const one = leader();
    one.change(replace);
    one.acknowledge(2, 2);
    one.propose("meanwhile");
    one.acknowledge(2, 4);
    expect(one.status.commit).toBe(4);
  });
});

describe("Single changes (thesis §4.1, and its later correction)", () => {
  it("one at a time: the next is refused until the one before is applied", () => {
    const one = leader();
    one.holdsApplies = true;
    one.change({ kind: "add-voter", member: member(4) });
    one.change({ kind: "remove", member: member(2) });
    one.acknowledge(2, 2);
    one.change({ kind: "remove", member: member(2) });
    expect(one.did("proposal-refused").map(({ reason }) => reason)).toEqual([
      "configuration-pending",
      "configuration-pending",
    ]);
    one.apply(); // the leader's first entry
    one.apply();
    one.clear();
    one.change({ kind: "remove", member: member(2) });
    expect(one.did("proposed")).toHaveLength(1);
  });

  it("none before an entry of the leader's own term is committed", () => {
    const one = new LoneMember();
    one.elect(2);
    one.change({ kind: "add-voter", member: member(4) });
    expect(one.did("proposal-refused")).toMatchObject([{ reason: "not-established" }]);
  });

  it("nobody goes by a change before a crash cannot take its commit back", () => {
    const one = leader();
    one.change({ kind: "remove", member: member(3) });
    one.clear();
    one.holdsWrites = true;
    one.acknowledge(2, 2);
    expect(one.did("persist")).toMatchObject([{ hardState: { commit: 2 } }]);
    expect(one.did("apply")).toEqual([]);
    expect(one.sent("append").filter(({ message }) => message.commit >= 2)).toEqual([]);
    one.persist();
    expect(one.did("apply")).toHaveLength(1);
    expect(one.sent("append").map(({ message }) => message.commit)).toContain(2);
  });
});

describe("New members (§6, first issue)", () => {
  it("a learner gets the log and counts for nothing", () => {
    const one = leader();
    one.change({ kind: "add-learner", member: member(4) });
    one.acknowledge(2, 2);
    expect(one.sent("append").some(({ to }) => to === 4)).toBe(true);
    one.propose("x");
    one.acknowledge(4, 3);
    expect(one.status.commit).toBe(2);
  });

  it("a learner does not campaign, but votes: who asks it may know better", () => {
    const one = new LoneMember({ voters: 3, learners: [1], term: 1 });
    one.tick(60);
    expect(one.status.role).toBe("follower");
    one.receive(2, { kind: "vote", term: term(2), last: idAt([], 0), transfer: false });
    expect(one.sent("vote-response")).toMatchObject([{ to: 2, message: { granted: true } }]);
  });
});

describe("Leaders that are not in the new configuration (§6, second issue)", () => {
  it("it leads the change to its end, then hands over and never campaigns again", () => {
    const one = leader();
    one.change({ kind: "remove", member: member(1) });
    expect(one.status.role).toBe("leader");
    one.acknowledge(2, 2);
    expect(one.status).toMatchObject({ role: "follower", configuration: { incoming: [2n, 3n] } });
    expect(one.sent("timeout-now")).toMatchObject([{ to: 2 }]);
    one.tick(60);
    expect(one.status.role).toBe("follower");
  });

  it("what it held back from the others it tells them by its answers: they may need to know that it is gone", () => {
    const one = leader();
    one.change({ kind: "remove", member: member(1) });
    one.propose("nobody else has it");
    one.acknowledge(2, 2);
    one.clear();
    const [last, committed] = [idAt(logOf([1, 1]), 2), { term: term(1), index: at(1) }];
    one.receive(2, { kind: "pre-vote", term: term(2), last, committed });
    expect(one.sent("pre-vote-response")).toMatchObject([
      { message: { granted: false, committed: { term: 1, index: 2 } } },
    ]);
  });
});

describe("Removed members (§6, third issue)", () => {
  it("whoever hears a leader does not listen to candidates, nor enters their term", () => {
    const one = new LoneMember({ terms: [1], term: 1 });
    one.receive(2, { kind: "heartbeat", term: term(1), round: 1, commit: at(1) });
    one.tick(9);
    one.clear();
    one.receive(3, { kind: "vote", term: term(9), last: { term: term(8), index: at(9) }, transfer: false });
    expect(one.did("send")).toEqual([]);
    expect(one.status).toMatchObject({ term: 1, leader: member(2) });
  });

  it("nor does a leader", () => {
    const one = leader();
    one.receive(3, { kind: "vote", term: term(9), last: { term: term(8), index: at(9) }, transfer: false });
    expect(one.status).toMatchObject({ role: "leader", term: 1 });
  });

  it("one that was restarted does not know whom it heard, and waits for a timeout as if it had", () => {
    const one = new LoneMember({ terms: [1] });
    one.tick(9);
    one.receive(3, { kind: "vote", term: term(2), last: idAt(logOf([1]), 1), transfer: false });
    expect(one.status.term).toBe(1);
    one.tick();
    one.receive(3, { kind: "vote", term: term(2), last: idAt(logOf([1]), 1), transfer: false });
    expect(one.status).toMatchObject({ term: 2, vote: member(3) });
  });

  it("but the leader's own wish counts", () => {
    const one = new LoneMember({ terms: [1], term: 1 });
    one.receive(2, { kind: "heartbeat", term: term(1), round: 1, commit: at(1) });
    one.receive(3, { kind: "vote", term: term(2), last: idAt(logOf([1]), 1), transfer: true });
    expect(one.sent("vote-response")).toMatchObject([{ to: 3, message: { granted: true } }]);
  });
});

describe("Members that do not know of a change yet (a configuration counts when it is applied)", () => {
  const remove = { kind: "remove", member: member(3) } as const;
  const bare = {
    term: term(1),
    index: at(1),
    type: "configuration",
    data: configurationData(remove),
  } as const;
  const log = [{ ...bare, chain: crcChainHash(0, bare) }];
  const committed = idAt(log, 1);

  it("one that has not applied a committed change does not campaign: it may not know who votes", () => {
    const one = new LoneMember({ term: 1 });
    one.holdsApplies = true;
    one.receive(2, append(log, 0, 1, { term: 1, commit: 1 }));
    expect(one.tickUntilCampaign()).toBe(Infinity);
    one.apply();
    expect(one.tickUntilCampaign()).toBeLessThan(20);
    expect(one.sent("pre-vote").map(({ to }) => to)).toEqual([2]);
  });

  it("one that campaigns learns it from an answer, granted or not, gives up, and asks the right ones next", () => {
    for (const granted of [true, false]) {
      const one = new LoneMember({ log });
      one.holdsApplies = true;
      one.tickUntilCampaign();
      one.clear();
      one.receive(3, { kind: "pre-vote-response", term: term(granted ? 2 : 1), granted, committed });
      expect(one.status).toMatchObject({ role: "follower", term: 1, commit: 1 });
      one.apply();
      one.tickUntilCampaign();
      expect(one.sent("pre-vote").map(({ to }) => to)).toEqual([2]);
    }
  });

  it("one that is asked learns it from the question, also from a candidate that it refuses", () => {
    const longer = new LoneMember({ log: [...log, ...logOf([1, 1]).slice(1)] });
    longer.receive(2, { kind: "pre-vote", term: term(2), last: committed, committed });
    expect(longer.sent("pre-vote-response")).toMatchObject([{ message: { granted: false } }]);
    expect(longer.status).toMatchObject({ commit: 1, configuration: { incoming: [1n, 2n] } });
  });

  it("of an entry that it does not hold it learns nothing", () => {
    for (const other of [idAt(log, 2), { term: term(2), index: at(1) }]) {
      const one = new LoneMember({ log, term: 3 });
      one.receive(2, { kind: "pre-vote", term: term(4), last: other, committed: other });
      expect(one.status.commit).toBe(0);
    }
  });
});
