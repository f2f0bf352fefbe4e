import { at, LoneMember, member, term } from "../testing/lone-member";
import { append, logOf } from "../testing/log-fixtures";

/** Raft paper, section 5.3, and the rules of figure 2 on logs, for leaders and followers. */

function leader(options: { readonly terms?: readonly number[]; readonly voters?: number } = {}): LoneMember {
  const one = new LoneMember(options);
  one.elect(...Array.from({ length: (options.voters ?? 3) >> 1 }, (_, other) => other + 2));
  expect(one.status.role).toBe("leader");
  return one;
}

describe("Replicating at the leader (§5.3; figure 2, leaders)", () => {
  it("a command is appended, written and sent in parallel to everybody", () => {
    const one = leader();
    for (const follower of [2, 3]) one.acknowledge(follower, 1);
    one.clear();
    one.holdsWrites = true;
    one.propose("x");
    expect(one.did("persist")).toMatchObject([{ entries: [{ index: 2, term: 1, type: "command" }] }]);
    expect(
      one.sent("append").map(({ to, message }) => [to, message.previous, message.entries.length]),
    ).toEqual([
      [2, { term: 1, index: 1 }, 1],
      [3, { term: 1, index: 1 }, 1],
    ]);
  });

  it("it never takes anything out of its own log", () => {
    const one = leader({ terms: [1, 1] });
    one.propose("x");
    const before = one.status.last;
    one.acknowledge(2, 3);
    one.acknowledge(3, 1);
    expect(one.did("persist").filter(({ truncateFrom }) => truncateFrom !== undefined)).toEqual([]);
    expect(one.status.last).toEqual(before);
  });

  it.each([
    [1, [], true],
    [2, [], false],
    [2, [2], true],
    [3, [], false],
    [3, [3], true],
    [5, [2], false],
    [5, [2, 4], true],
    [5, [2, 2], false],
  ] as const)(
    "of %i members, held by itself and by %j, an entry is committed: %s",
    (voters, holders, committed) => {
      const one = leader({ voters });
      for (const holder of holders) one.acknowledge(holder, 1);
      expect(one.status.commit).toBe(committed ? 1 : 0);
    },
  );

  it("it counts itself when its own disk has the entry", () => {
    const one = leader();
    one.acknowledge(2, 1);
    one.holdsWrites = true;
    one.propose("x");
    one.acknowledge(2, 2);
    expect(one.status.commit).toBe(1);
    one.persist();
    expect(one.status.commit).toBe(2);
  });

  it("committing an entry commits all before it, of former leaders too", () => {
    const one = leader({ terms: [1, 1, 2] });
    one.acknowledge(2, 4);
    expect(one.status.commit).toBe(4);
    expect(one.did("apply").flatMap(({ entries }) => entries.map(({ index }) => index))).toEqual([
      1, 2, 3, 4,
    ]);
  });

  it("the next message tells followers what is committed", () => {
    const one = leader();
    one.acknowledge(2, 1);
    one.acknowledge(3, 1);
    expect(one.sent("append").at(-1)).toMatchObject({ to: 3, message: { commit: 1 } });
  });

  it("it begins behind its own last entry, and goes back until the logs agree", () => {
    const one = leader({ terms: [1, 1, 2, 2] });
    expect(one.sent("append").find(({ to }) => to === 2)?.message.previous).toEqual({ term: 2, index: 4 });
    one.clear();
    const outcome = { kind: "rejected", previous: at(4), hint: { term: term(1), index: at(2) } } as const;
    one.receive(2, { kind: "append-response", term: term(3), round: 0, outcome });
    expect(one.sent("append")).toMatchObject([
      {
        to: 2,
        message: { previous: { term: 1, index: 2 }, entries: [{ index: 3 }, { index: 4 }, { index: 5 }] },
      },
    ]);
  });

  it("what is not answered is sent again, for ever", () => {
    const one = leader();
    one.acknowledge(2, 1);
    for (let times = 1; times <= 5; times += 1) {
      one.clear();
      one.tick();
      const round = one.sent("heartbeat")[0]!.message.round;
      for (const follower of [2, 3])
        one.receive(follower, { kind: "heartbeat-response", term: term(1), round, needsSnapshot: false });
      expect(one.sent("append").filter(({ to }) => to === 3)).toMatchObject([
        { message: { entries: [{ index: 1 }] } },
      ]);
    }
  });

  it("late and repeated acknowledgements take nothing back", () => {
    const one = leader();
    one.propose("x");
    one.acknowledge(2, 2);
    one.acknowledge(2, 1);
    const outcome = { kind: "rejected", previous: at(1), hint: { term: term(0), index: at(0) } } as const;
    one.receive(2, { kind: "append-response", term: term(1), round: 0, outcome });
    expect(one.status.peers.find(({ member: id }) => id === member(2))).toMatchObject({
      match: 2,
      state: "replicate",
    });
  });
});

describe("Appending at a follower (§5.3; figure 2, AppendEntries 2 to 5)", () => {
  // Figure 7: the leader of term 8 has these entries; the followers a to f differ in every way they can.
  const led = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];
  it.each([
    ["a: one is missing", [1, 1, 1, 4, 4, 5, 5, 6, 6]],
    ["b: many are missing", [1, 1, 1, 4]],
    ["c: one too many", [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6]],
    ["d: two of a later term too many", [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7]],
    ["e: some are missing, others too many", [1, 1, 1, 4, 4, 4, 4]],
    ["f: many of other terms", [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3]],
  ])("figure 7, follower %s: it ends with the leader's log", (_, own) => {
    const one = new LoneMember({ terms: own, term: 7 });
    const log = logOf([...led, 8]);
    let previous = log.length - 1;
    for (let tries = 0; tries < 6; tries += 1) {
      one.clear();
      one.receive(2, append(log, previous, log.length, { term: 8, commit: 0 }));
      const { outcome } = one.sent("append-response")[0]!.message;
      if (outcome.kind === "accepted") break;
      const before = previous;
      previous = outcome.hint.index;
      while (previous > 0 && log[previous - 1]!.term > outcome.hint.term) previous -= 1;
      expect(previous).toBeLessThan(before);
    }
    expect(one.status.last).toEqual({ term: 8, index: 11 });
  });

  it.each([
    [[], 1, false],
    [[1], 1, true],
    [[1, 1], 2, false],
    [[1, 2], 2, true],
    [[1, 2, 2], 2, true],
  ])("with terms %j, an append behind entry %i of terms [1,2]: accepted %s", (own, previous, accepted) => {
    const one = new LoneMember({ terms: own, term: 2 });
    one.receive(2, append(logOf([1, 2]), previous, previous, { term: 2, commit: 0 }));
    expect(one.sent("append-response")).toMatchObject([
      { message: { outcome: { kind: accepted ? "accepted" : "rejected" } } },
    ]);
  });

  it("a conflicting entry and all behind it are removed, those before it stay", () => {
    const one = new LoneMember({ terms: [1, 1, 1, 1] });
    one.receive(2, append(logOf([1, 1, 2]), 1, 3, { term: 2, commit: 0 }));
    expect(one.did("persist").find(({ entries }) => entries.length > 0)).toMatchObject({
      truncateFrom: 3,
      entries: [{ term: 2, index: 3 }],
    });
    expect(one.status.last).toEqual({ term: 2, index: 3 });
  });

  it("entries that it has already are not written again, and nothing behind them is lost", () => {
    const one = new LoneMember({ terms: [1, 1, 1] });
    one.receive(2, append(logOf([1, 1]), 0, 2, { term: 1, commit: 0 }));
    expect(one.did("persist")).toEqual([]);
    expect(one.status.last.index).toBe(3);
  });

  it("an acknowledgement says only what is on disk", () => {
    const one = new LoneMember({ term: 1 });
    one.holdsWrites = true;
    one.receive(2, append(logOf([1, 1]), 0, 1, { term: 1, commit: 0 }));
    one.receive(2, append(logOf([1, 1]), 1, 2, { term: 1, commit: 0 }));
    expect(one.sent("append-response")).toEqual([]);
    one.persist();
    expect(one.sent("append-response")).toMatchObject([{ message: { outcome: { match: 1 } } }]);
  });

  // min(the leader's commit, the last entry that the message vouches for)
  it.each([
    [1, 1],
    [2, 2],
    [5, 3],
  ])("told %i by a message that ends with entry 3 it takes %i for committed", (told, taken) => {
    const one = new LoneMember({ terms: [1, 1, 1, 1] });
    one.receive(2, append(logOf([1, 1, 1]), 1, 3, { term: 1, commit: told }));
    expect(one.status.commit).toBe(taken);
  });

  it("the commit index never goes back", () => {
    const one = new LoneMember({ terms: [1, 1, 1], commit: 3 });
    one.receive(2, append(logOf([1, 1, 1]), 1, 2, { term: 1, commit: 1 }));
    expect(one.status.commit).toBe(3);
  });
});

describe("Applying (§5.3; figure 2, all servers)", () => {
  it("what is committed is applied once, in order, and no sooner than it is on the own disk", () => {
    const one = new LoneMember({ term: 1 });
    one.holdsWrites = true;
    one.receive(2, append(logOf([1, 1]), 0, 2, { term: 1, commit: 2 }));
    expect(one.did("apply")).toEqual([]);
    one.persist();
    one.receive(2, append(logOf([1, 1]), 0, 2, { term: 1, commit: 2 }));
    expect(one.did("apply").flatMap(({ entries }) => entries.map(({ index }) => index))).toEqual([1, 2]);
  });

  it("after a restart it goes on behind what the state machine holds", () => {
    const one = new LoneMember({ terms: [1, 1, 1], commit: 3, applied: 2 });
    expect(one.did("apply").flatMap(({ entries }) => entries.map(({ index }) => index))).toEqual([3]);
  });
});
