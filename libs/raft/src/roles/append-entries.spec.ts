import { seededPrng, utf8 } from "@quorate/base";
import { crcChainHash } from "../chain-hash";
import type { RaftEffect } from "../effect";
import type { Message } from "../message";
import { RAFT_DEFAULTS } from "../options";
import { Raft } from "../raft";
import { append, idAt, logOf } from "../testing/log-fixtures";
import type { Entry, LogIndex, MemberId, Term } from "../types";

const [self, leader, other] = [1n, 2n, 3n] as [MemberId, MemberId, MemberId];

function followerWith(log: readonly Entry[], term: number, commit = 0): Raft {
  const termRuns = log
    .filter((entry, at) => entry.term !== log[at - 1]?.term)
    .map((entry) => idAt(log, entry.index));
  return new Raft(
    { ...RAFT_DEFAULTS, memberId: self },
    {
      hardState: { term: term as Term, vote: undefined, commit: commit as LogIndex },
      configuration: { incoming: [self, leader, other], outgoing: [], learners: [] },
      compacted: idAt([], 0),
      compactedChain: 0,
      termRuns,
      tail: log,
      applied: 0 as LogIndex,
    },
    { prng: seededPrng(1), chainHash: crcChainHash },
  );
}

function receive(raft: Raft, message: Message, from = leader): readonly RaftEffect[] {
  raft.step({ kind: "receive", from, incarnation: 1, message });
  return raft.takeEffects();
}

const lastOf = (raft: Raft): number => raft.status().last.index;

describe("appending at a follower", () => {
  it("commits no further than what the message vouches for, although its own log is longer", () => {
    const raft = followerWith(logOf([1, 1, 1, 1]), 1);
    receive(raft, append(logOf([1, 1, 2, 2]), 1, 2, { term: 2, commit: 4 }));
    expect(raft.status().commit).toBe(2);
    expect(lastOf(raft)).toBe(4);
  });

  it("keeps what follows when an old message repeats a part of the log", () => {
    const log = logOf([1, 1, 1]);
    const raft = followerWith(log, 1);
    const effects = receive(raft, append(log, 0, 2, { term: 1, commit: 0 }));
    expect(lastOf(raft)).toBe(3);
    expect(effects.filter(({ kind }) => kind === "persist")).toEqual([]);
  });

  it("truncates nothing for a message of an older term", () => {
    const raft = followerWith(logOf([1, 2, 2]), 2);
    receive(raft, append(logOf([1, 1]), 1, 2, { term: 1, commit: 0 }));
    expect(lastOf(raft)).toBe(3);
  });

  it("replaces a conflicting tail", () => {
    const raft = followerWith(logOf([1, 1, 1]), 1);
    const effects = receive(raft, append(logOf([1, 2]), 1, 2, { term: 2, commit: 0 }));
    expect(effects.find(({ kind }) => kind === "persist")).toMatchObject({
      truncateFrom: 2,
      entries: [{ term: 2 }],
    });
    expect(raft.status().last).toEqual(idAt(logOf([1, 2]), 2));
  });

  it("hints past all entries of terms that the leader cannot have there", () => {
    const raft = followerWith(logOf([1, 1, 3, 3, 3]), 3);
    const effects = receive(raft, append(logOf([1, 1, 2, 2, 2, 4]), 5, 6, { term: 4, commit: 0 }));
    raft.step({ kind: "persisted", id: 1 }); // the new term, which the answer reveals
    const sent = [...effects, ...raft.takeEffects()].flatMap((effect) =>
      effect.kind === "send" ? effect.envelopes : [],
    );
    const outcome = { kind: "rejected", previous: 5, hint: idAt(logOf([1, 1]), 2) };
    expect(sent).toMatchObject([{ to: leader, message: { kind: "append-response", outcome } }]);
  });

  it("stops when a predecessor of equal index and term has another history", () => {
    const raft = followerWith(logOf([1, 1], "a"), 1);
    const message = append(logOf([1, 1, 1], "b"), 2, 3, { term: 1, commit: 0 });
    expect(() => receive(raft, message)).toThrow(/log matching/);
  });

  it("drops a message in which an entry does not match its hash", () => {
    const raft = followerWith([], 1);
    const [entry] = logOf([1]) as [Entry];
    const message = {
      ...append([entry], 0, 0, { term: 1, commit: 0 }),
      entries: [{ ...entry, data: utf8("damaged") }],
    };
    expect(receive(raft, message).filter(({ kind }) => kind === "persist" || kind === "send")).toEqual([]);
    expect(raft.status()).toMatchObject({ damagedAppends: 1, last: { index: 0 } });
  });

  it("stops when two members lead one term", () => {
    const raft = followerWith(logOf([1]), 1);
    receive(raft, append(logOf([1]), 1, 1, { term: 1, commit: 0 }));
    expect(() => receive(raft, append(logOf([1]), 1, 1, { term: 1, commit: 0 }), other)).toThrow(
      /one leader/,
    );
  });

  it("stops rather than replace a committed entry", () => {
    const raft = followerWith(logOf([1, 1]), 1, 2);
    expect(() => receive(raft, append(logOf([1, 2]), 1, 2, { term: 2, commit: 0 }))).toThrow(
      /never truncated/,
    );
  });

  it("goes into repair mode when it is told to commit what it does not hold", () => {
    const raft = followerWith(logOf([1]), 1);
    const heartbeat = { kind: "heartbeat", term: 1 as Term, round: 1, commit: 2 as LogIndex } as const;
    const lost = { term: 1, index: 2 };
    expect(receive(raft, heartbeat)).toContainEqual({ kind: "loss-noticed", lost });
    expect(raft.status()).toMatchObject({ repairUntil: lost, commit: 1 });
  });
});
