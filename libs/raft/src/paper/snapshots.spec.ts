import { at, LoneMember, member, term } from "../testing/lone-member";
import { append, logOf } from "../testing/log-fixtures";

/** Raft paper, section 7, and figure 13; data travel outside of the core (see the README). */

const configuration = { incoming: [1n, 2n, 3n].map((id) => member(Number(id))), outgoing: [], learners: [] };

function offer(now: number, index: number, ofTerm: number, transfer = 1) {
  const log = logOf(Array.from({ length: index }, () => ofTerm));
  const snapshot = { term: term(ofTerm), index: at(index), chain: log.at(-1)!.chain, configuration };
  return { kind: "install-snapshot", term: term(now), round: 1, transfer, snapshot } as const;
}

describe("Compacting the log (§7)", () => {
  it("only what is applied durably goes", () => {
    const one = new LoneMember({ log: bigLog(5003), commit: 5003 });
    expect(one.status.applied).toBe(5003);
    expect(one.did("compact")).toEqual([]);
    one.step({ kind: "applied-durably", index: at(5002) });
    expect(one.did("compact")).toMatchObject([{ upTo: 2 }]);
  });

  it("the entry that the log begins behind is still known, for the consistency check", () => {
    const log = logOf([1, 1, 1, 1]);
    const one = new LoneMember({ log, commit: 4 });
    one.step({ kind: "compacted", at: { term: term(1), index: at(2) }, chain: log[1]!.chain });
    one.receive(2, append(logOf([1, 1, 1, 1]), 2, 4, { term: 1, commit: 4 }));
    expect(one.sent("append-response")).toMatchObject([
      { message: { outcome: { kind: "accepted", match: 4 } } },
    ]);
  });

  function bigLog(count: number) {
    return logOf(Array.from({ length: count }, () => 1));
  }
});

describe("Receiving a snapshot (figure 13)", () => {
  it("1: one of an older term is refused, and the answer tells the newer term", () => {
    const one = new LoneMember({ term: 3 });
    one.receive(2, offer(2, 5, 1));
    expect(one.did("fetch-snapshot")).toEqual([]);
    expect(one.sent("heartbeat-response")).toMatchObject([{ message: { term: 3 } }]);
  });

  it("2 to 5: it is fetched beside the state in use, and an older one under way gives way to a newer", () => {
    const one = new LoneMember({ term: 2 });
    one.receive(2, offer(2, 5, 1, 1));
    one.receive(2, offer(2, 8, 1, 2));
    expect(one.did("fetch-snapshot").map(({ transfer }) => transfer)).toEqual([1, 2]);
    expect(one.did("discard-snapshot")).toMatchObject([{ transfer: 1 }]);
    expect(one.status).toMatchObject({ last: { index: 0 }, applied: 0 });
  });

  it("6: of a log that has its last entry nothing goes: it says that it needs none", () => {
    const one = new LoneMember({ terms: [1, 1, 1], term: 2 });
    one.receive(2, offer(2, 2, 1));
    expect(one.did("fetch-snapshot")).toEqual([]);
    expect(one.sent("append-response")).toMatchObject([
      { message: { outcome: { kind: "accepted", match: 2 } } },
    ]);
    expect(one.status).toMatchObject({ last: { index: 3 }, commit: 2 });
  });

  it("7 and 8: otherwise the whole log goes, and the state is replaced, once that is on disk", () => {
    const one = new LoneMember({ terms: [1, 1], term: 3 });
    one.receive(2, offer(3, 5, 2));
    one.holdsWrites = true;
    one.step({ kind: "snapshot-staged", transfer: 1 });
    expect(one.did("persist").at(-1)).toMatchObject({
      restart: { snapshot: { index: 5 }, keepsEntries: false },
    });
    expect(one.did("install-snapshot")).toEqual([]);
    one.persist();
    expect(one.did("install-snapshot")).toMatchObject([{ index: 5 }]);
    one.step({ kind: "snapshot-installed", index: at(5) });
    expect(one.status).toMatchObject({ last: { term: 2, index: 5 }, commit: 5, applied: 5, compacted: 5 });
  });

  it("8: the membership is that of the snapshot", () => {
    const one = new LoneMember({ voters: 2, term: 3 });
    one.receive(2, offer(3, 5, 2));
    one.step({ kind: "snapshot-staged", transfer: 1 });
    one.step({ kind: "snapshot-installed", index: at(5) });
    expect(one.status.configuration).toEqual(configuration);
  });

  it("a stale one, which covers less than is committed here, changes nothing", () => {
    const one = new LoneMember({ terms: [1, 1, 1], commit: 3 });
    one.receive(2, offer(1, 2, 1));
    expect(one.did("fetch-snapshot")).toEqual([]);
    expect(one.status).toMatchObject({ last: { index: 3 }, commit: 3, applied: 3 });
  });

  it("receiving one keeps a follower from campaigning, as any word of the leader does", () => {
    const one = new LoneMember({ term: 2 });
    for (let times = 0; times < 5; times += 1) {
      one.receive(2, offer(2, 5, 1));
      one.tick(9);
    }
    expect(one.status.role).toBe("follower");
  });
});

describe("Sending a snapshot (§7)", () => {
  it("a follower that needs entries which are gone gets one, and is sent nothing else meanwhile", () => {
    const log = logOf([1, 1, 1]);
    const one = new LoneMember({ log, commit: 3 });
    one.step({ kind: "compacted", at: { term: term(1), index: at(3) }, chain: log[2]!.chain });
    one.elect(2);
    const outcome = { kind: "rejected", previous: at(3), hint: { term: term(0), index: at(0) } } as const;
    one.receive(3, { kind: "append-response", term: term(2), round: 0, outcome });
    one.tick();
    const { round } = one.sent("heartbeat")[0]!.message;
    one.clear();
    one.receive(3, { kind: "heartbeat-response", term: term(2), round, needsSnapshot: false });
    const { to, transfer } = one.did("open-snapshot")[0]!;
    expect(to).toBe(3n);
    one.step({
      kind: "snapshot-opened",
      to: member(3),
      transfer,
      at: { term: term(1), index: at(3), configuration },
    });
    one.propose("x");
    expect(one.sent("install-snapshot")).toMatchObject([
      { to: 3, message: { snapshot: { index: 3, term: 1 } } },
    ]);
    expect(one.sent("append").filter((envelope) => envelope.to === 3)).toEqual([]);
    one.acknowledge(3, 3);
    expect(one.sent("append").filter((envelope) => envelope.to === 3)).toMatchObject([
      { message: { previous: { index: 3 } } },
    ]);
  });
});
