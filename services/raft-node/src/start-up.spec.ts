import type { Configuration, Entry, EntryId, LogIndex, MemberId, Term } from "@quorate/raft";
import { UNFOUNDED } from "@quorate/state-machine";
import type { AnchorRecord, LogStart } from "@quorate/storage";
import { decideStart, type StartDecision, type StartFindings } from "./start-up";

const SELF = 1n as MemberId;
const CLUSTER = 0xc1n;
const THREE: Configuration = { incoming: [1n, 2n, 3n] as MemberId[], outgoing: [], learners: [] };
const ALONE: Configuration = { incoming: [SELF], outgoing: [], learners: [] };

const id = (term: number, index: number): EntryId => ({ term: term as Term, index: index as LogIndex });
/** As a chain hash would be: the same for the same entry. */
const chainOf = (at: EntryId): number => at.term * 1000 + at.index;

interface Given {
  readonly log?: EntryId;
  readonly compacted?: EntryId;
  readonly logTerm?: number;
  readonly logVote?: bigint;
  readonly anchor?: (Partial<AnchorRecord> & { readonly last: EntryId }) | undefined;
  readonly anchored?: boolean;
  readonly damagedSlots?: number;
  readonly applied?: EntryId;
  readonly configuration?: Configuration;
  /** What the log holds where the anchor looks. */
  readonly inLog?: EntryId;
}

/** A log of term 3 that ends at 100, applied to 90, unless told. */
function findings(given: Given): StartFindings {
  const { log = id(3, 100), compacted = id(0, 0), logTerm = 3, logVote, anchor, inLog } = given;
  const applied = given.applied ?? id(3, Math.min(log.index, 90));
  const tail = log.index > compacted.index ? [{ ...log, chain: chainOf(log) } as Entry] : [];
  const start: LogStart = {
    identity: {
      clusterId: CLUSTER,
      clusterName: "c",
      memberId: SELF,
      memberName: "n1",
      directoryId: "d",
    },
    incarnation: 5,
    hardState: { term: logTerm as Term, vote: logVote as MemberId | undefined, commit: 80 as LogIndex },
    configuration: given.configuration ?? THREE,
    compacted,
    compactedChain: chainOf(compacted),
    termRuns: [],
    tail,
    anchored: given.anchored ?? anchor !== undefined,
  };
  const record: AnchorRecord | undefined = anchor && {
    clusterId: CLUSTER,
    memberId: SELF,
    incarnation: 4,
    term: 3 as Term,
    vote: undefined,
    chain: chainOf(anchor.last),
    ...anchor,
  };
  return {
    start,
    anchor: {
      record,
      damagedSlots: given.damagedSlots ?? 0,
      inLog: inLog && { at: inLog, chain: chainOf(inLog) },
    },
    position: {
      ...applied,
      revision: 1,
      compactRevision: -1,
      effectHash: 0,
    } as unknown as StartFindings["position"],
    membership: UNFOUNDED,
  };
}

const decide = (given: Given): StartDecision => decideStart("/data/n1", findings(given));
const lost = (given: Given): EntryId | undefined => decide(given).promised?.at;

describe("How a member may start", () => {
  it("is as it was, if its log is as long as its anchor tells, or longer", () => {
    for (const index of [100, 90, 1]) {
      const decision = decide({ anchor: { last: id(3, index) }, inLog: id(3, index) });
      expect(decision).toEqual({
        incarnation: 5,
        hardState: findings({}).start.hardState,
        promised: undefined,
      });
    }
  });

  it("is in repair mode, if the log ends before the anchor, until it is as long again", () => {
    expect(decide({ log: id(3, 99), anchor: { last: id(3, 100) } }).promised).toEqual({
      at: id(3, 100),
      chain: chainOf(id(3, 100)),
    });
    expect(lost({ log: id(2, 90), anchor: { last: id(3, 100) } })).toEqual(id(3, 100));
  });

  it("compares terms first: a later leader may have made the log shorter", () => {
    expect(lost({ log: id(4, 60), logTerm: 4, anchor: { last: id(3, 100) } })).toBeUndefined();
    expect(
      lost({ log: id(4, 120), logTerm: 4, anchor: { last: id(3, 100) }, inLog: id(4, 100) }),
    ).toBeUndefined();
  });

  it("is not at all, if the log tells another history than the anchor", () => {
    const other = findings({ anchor: { last: id(3, 100), chain: 7 }, inLog: id(3, 100) });
    expect(() => decideStart("/data/n1", other)).toThrow(/entry 100 .*not the one/);
    expect(() => decide({ anchor: { last: id(3, 60) }, inLog: id(2, 60) })).toThrow(/not the one/);
  });

  it("takes the newer term and vote of the two", () => {
    const anchor = { last: id(3, 100) };
    const inLog = id(3, 100);
    expect(decide({ anchor: { ...anchor, vote: 2n as MemberId }, inLog }).hardState.vote).toBe(2n);
    expect(decide({ anchor, inLog, logVote: 2n }).hardState.vote).toBe(2n);
    expect(decide({ anchor: { ...anchor, vote: 2n as MemberId }, inLog, logTerm: 4 }).hardState).toEqual({
      term: 4,
      vote: undefined,
      commit: 80,
    });
  });

  it("is in repair mode, if the log has forgotten a term: what was written after it is gone as well", () => {
    const decision = decide({
      anchor: { last: id(3, 100), term: 5 as Term, vote: 3n as MemberId },
      inLog: id(3, 100),
    });

    expect(decision.hardState).toEqual({ term: 5, vote: 3n, commit: 80 });
    expect(decision.promised).toEqual({ at: id(5, 0), chain: undefined });
  });

  it("is not at all, if log and anchor tell of two votes in one term", () => {
    const anchor = { last: id(3, 100), vote: 2n as MemberId };
    expect(() => decide({ anchor, inLog: id(3, 100), logVote: 3n })).toThrow(/different votes in term 3/);
  });

  it("is in repair mode, if the state is ahead of the log, whatever the anchor says", () => {
    expect(lost({ log: id(3, 50), applied: id(3, 70), anchor: { last: id(3, 60) } })).toEqual(id(3, 70));
    expect(lost({ log: id(3, 50), applied: id(3, 60), anchor: { last: id(3, 70) } })).toEqual(id(3, 70));
    expect(lost({ log: id(3, 50), applied: id(3, 60) })).toEqual(id(3, 60)); // before there were anchors
  });

  it("is not at all, if there was an anchor and it is gone; a directory from before anchors gets its first", () => {
    expect(() => decide({ anchored: true })).toThrow(/"anchor" is missing/);
    expect(() => decide({ anchored: true, damagedSlots: 2 })).toThrow(/damaged in both/);
    expect(decide({ anchored: false }).promised).toBeUndefined();
    expect(decide({ anchored: false, damagedSlots: 1 }).promised).toBeUndefined(); // the first write was cut off
  });

  it("is not at all with the anchor of another member", () => {
    const anchor = { last: id(3, 100), memberId: 9n as MemberId };
    expect(() => decide({ anchor, inLog: id(3, 100) })).toThrow(/of member 9/);
  });

  it("uses a number of starts above all that others have seen", () => {
    const given = { inLog: id(3, 100) };
    expect(decide({ ...given, anchor: { last: id(3, 100), incarnation: 4 } }).incarnation).toBe(5);
    expect(decide({ ...given, anchor: { last: id(3, 100), incarnation: 9 } }).incarnation).toBe(10);
  });

  it("is not at all for the only member of a cluster that lost something: nobody can give it back", () => {
    const configuration = ALONE;
    expect(() => decide({ configuration, log: id(3, 99), anchor: { last: id(3, 100) } })).toThrow(
      /lost entries that were acknowledged.*only one/,
    );
    expect(() => decide({ configuration, log: id(3, 50), applied: id(3, 60) })).toThrow(/lost entries/);
    const compacted = { configuration, compacted: id(3, 70), applied: id(3, 60) };
    expect(() => decide(compacted)).toThrow(/state is lost/);
    expect(lost({ ...compacted, configuration: THREE })).toBeUndefined(); // the others have a snapshot
  });
});
