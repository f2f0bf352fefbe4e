import { at, LoneMember, member, term } from "../testing/lone-member";
import { append, idAt, logOf } from "../testing/log-fixtures";

/** Raft paper, sections 5.1 and 5.2, and the rules of figure 2 on terms, votes and roles. */

const heartbeat = (now: number, commit = 0) =>
  ({ kind: "heartbeat", term: term(now), round: 1, commit: at(commit) }) as const;
const vote = (now: number, log = idAt([], 0)) =>
  ({ kind: "vote", term: term(now), last: log, transfer: false }) as const;

describe("Terms (§5.1; figure 2, all servers)", () => {
  it.each(["follower", "candidate", "leader"] as const)(
    "a %s that sees a newer term enters it and follows",
    (role) => {
      const one = new LoneMember();
      if (role === "candidate") one.stand(2);
      if (role === "leader") one.elect(2);
      expect(one.status.role).toBe(role);
      one.receive(3, heartbeat(7));
      expect(one.status).toMatchObject({ role: "follower", term: 7, leader: member(3), vote: undefined });
    },
  );

  it("a request of an older term is refused, and the answer tells the newer one", () => {
    const one = new LoneMember({ terms: [1, 3] });
    one.receive(2, append(logOf([1, 2]), 1, 2, { term: 2, commit: 0 }));
    expect(one.sent("heartbeat-response")).toMatchObject([{ to: 2, message: { term: 3, round: 0 } }]);
    expect(one.status.last).toEqual(idAt(logOf([1, 3]), 2));
  });

  it("a vote request of an older term gets no vote", () => {
    const one = new LoneMember({ term: 3 });
    one.tick(20);
    one.clear();
    one.receive(2, vote(2));
    expect(one.sent("vote-response")).toEqual([]);
    expect(one.status.vote).toBeUndefined();
  });

  it("the current term is on disk before anything reveals it", () => {
    const one = new LoneMember({ terms: [1] });
    one.holdsWrites = true;
    one.receive(2, heartbeat(4));
    expect(one.did("send")).toEqual([]);
    one.persist();
    expect(one.sent("heartbeat-response")).toMatchObject([{ message: { term: 4 } }]);
  });
});

describe("Starting elections (§5.2; figure 2, followers and candidates)", () => {
  it("a member starts as a follower, whatever it was", () => {
    expect(new LoneMember({ terms: [1, 1], vote: 1 }).status.role).toBe("follower");
  });

  it.each([
    ["heartbeats", (one: LoneMember) => one.receive(2, heartbeat(1))],
    ["appends", (one: LoneMember) => one.receive(2, append([], 0, 0, { term: 1, commit: 0 }))],
  ])("a follower stays one as long as it gets %s", (_, hear) => {
    const one = new LoneMember({ term: 1 });
    for (let times = 0; times < 10; times += 1) {
      hear(one);
      one.tick(9);
    }
    expect(one.status).toMatchObject({ role: "follower", leader: member(2) });
  });

  it("a follower that granted a vote gives the candidate time", () => {
    const one = new LoneMember();
    one.tick(10);
    one.receive(2, vote(1));
    one.tick(9);
    expect(one.status.role).toBe("follower");
  });

  it("a follower that hears nothing campaigns: enters the next term, votes for itself, and asks all others", () => {
    const one = new LoneMember({ terms: [1, 2], voters: 5 });
    one.stand(2, 3);
    expect(one.status).toMatchObject({ role: "candidate", term: 3, vote: member(1) });
    const last = idAt(logOf([1, 2]), 2);
    expect(one.sent("vote")).toEqual(
      [2, 3, 4, 5].map((to) => ({ to, message: { kind: "vote", term: 3, last, transfer: false } })),
    );
  });

  it("timeouts are random, between one and two of the minimum, so that split votes are rare", () => {
    const drawn = Array.from({ length: 100 }, (_, seed) => new LoneMember({ seed }).tickUntilCampaign());
    expect(Math.min(...drawn)).toBe(10);
    expect(Math.max(...drawn)).toBe(19);
    expect(new Set(drawn).size).toBe(10);
  });

  it("a candidate draws a new timeout for each election", () => {
    const one = new LoneMember();
    const waits = Array.from({ length: 30 }, () => {
      one.tickUntilCampaign();
      let ticks = 0;
      const { role } = one.status;
      expect(role).toBe("pre-candidate");
      one.clear();
      while (one.sent("pre-vote").length === 0) {
        one.tick();
        ticks += 1;
      }
      return ticks;
    });
    expect(new Set(waits).size).toBeGreaterThan(4);
  });
});

describe("Ending elections (§5.2; figure 2, candidates)", () => {
  it.each([
    [1, [], "leader"],
    [2, [2], "leader"],
    [3, [2], "leader"],
    [4, [2], "candidate"],
    [4, [2, 3], "leader"],
    [5, [2], "candidate"],
    [5, [2, 3], "leader"],
    [5, [2, 2, 2], "candidate"],
    [7, [2, 3], "candidate"],
    [7, [2, 3, 4], "leader"],
  ] as const)("of %i voters, with its own vote and those of %j: %s", (voters, granted, role) => {
    const one = new LoneMember({ voters });
    one.stand(2, 3, 4, 5, 6, 7);
    for (const voter of granted) one.receive(voter, { kind: "vote-response", term: term(1), granted: true });
    expect(one.status.role).toBe(role);
  });

  it("its own vote counts when it is on disk", () => {
    const one = new LoneMember({ voters: 1 });
    one.holdsWrites = true;
    one.tickUntilCampaign();
    expect(one.status.role).toBe("candidate");
    one.persist();
    expect(one.status.role).toBe("leader");
  });

  it("a majority of refusals ends it, and so does the leader of its term", () => {
    const refused = new LoneMember();
    refused.stand(2);
    for (const voter of [2, 3])
      refused.receive(voter, { kind: "vote-response", term: term(1), granted: false });
    expect(refused.status.role).toBe("follower");

    const beaten = new LoneMember();
    beaten.stand(2);
    beaten.receive(3, append([], 0, 0, { term: 1, commit: 0 }));
    expect(beaten.status).toMatchObject({ role: "follower", leader: member(3), term: 1, vote: member(1) });
  });

  it("a candidate that hears from a leader of an older term goes on", () => {
    const one = new LoneMember({ terms: [1, 2] });
    one.stand(2);
    one.receive(3, append(logOf([1]), 0, 1, { term: 2, commit: 0 }));
    expect(one.status).toMatchObject({ role: "candidate", term: 3 });
  });

  it("when nobody wins, the next election begins after a timeout, in the next term", () => {
    const one = new LoneMember();
    one.stand(2);
    one.tick(20);
    one.preVote(3, true);
    expect(one.status).toMatchObject({ role: "candidate", term: 2 });
  });

  it("a new leader tells everybody at once, and again within every timeout", () => {
    const one = new LoneMember();
    one.elect(2);
    expect(one.sent("append").map(({ to }) => to)).toEqual([2, 3]);
    one.clear();
    one.tick();
    expect(one.sent("heartbeat").map(({ to }) => to)).toEqual([2, 3]);
  });
});

describe("Granting votes (§5.2, §5.4.1; figure 2, RequestVote 1 and 2)", () => {
  it("a member votes once in a term: first come, first served, and again for the same one", () => {
    const one = new LoneMember({ voters: 5 });
    one.tick(10);
    one.receive(2, vote(1));
    one.receive(3, vote(1));
    one.receive(2, vote(1));
    expect(one.sent("vote-response").map(({ to, message }) => [to, message.granted])).toEqual([
      [2, true],
      [3, false],
      [2, true],
    ]);
  });

  it("the vote survives a restart", () => {
    const one = new LoneMember({ term: 2, vote: 2 });
    one.tick(10);
    one.receive(3, vote(2));
    one.receive(2, vote(2));
    expect(one.sent("vote-response").map(({ message }) => message.granted)).toEqual([false, true]);
  });

  it("the vote is on disk before it is given", () => {
    const one = new LoneMember();
    one.tick(10);
    one.clear();
    one.holdsWrites = true;
    one.receive(2, vote(1));
    expect(one.did("persist")).toMatchObject([{ hardState: { term: 1, vote: member(2) } }]);
    expect(one.did("send")).toEqual([]);
    one.persist();
    expect(one.sent("vote-response")).toMatchObject([{ to: 2, message: { granted: true } }]);
  });

  // Up to date: a later last term, or the same and at least as long.
  it.each([
    [[1], [1], true],
    [[1], [1, 1], true],
    [[1, 1], [1], false],
    [[1, 1, 1], [2], true],
    [[2], [1, 1, 1], false],
    [[1, 2], [1, 1], false],
    [[1, 1], [1, 2], true],
    [[], [], true],
    [[1], [], false],
  ])("with a log of terms %j, to a candidate with %j: %s", (own, theirs, granted) => {
    const one = new LoneMember({ terms: own, term: 2 });
    one.tick(10);
    one.receive(2, vote(3, idAt(logOf(theirs), theirs.length)));
    expect(one.sent("vote-response")).toMatchObject([{ message: { term: 3, granted } }]);
  });
});
