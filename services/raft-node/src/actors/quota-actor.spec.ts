import type { MemberId, Term } from "@quorate/raft";
import type { Alarm, StoreCondition } from "@quorate/state-machine";
import {
  decodeCommandBatch,
  encodeCommandBatch,
  encodeProposeResponse,
  etcdserverpb,
  type RawCommand,
} from "@quorate/wire";
import type { Asker } from "../proposals";
import { QuotaActor, type AlarmClearing } from "./quota-actor";
import type { RaftMessage } from "./raft-actor";

type Propose = Extract<RaftMessage, { kind: "propose" }>;
type Entry = { readonly data: Uint8Array; readonly asker: Asker };

const SELF = 7n as MemberId;
const TERM = 5 as Term;
const QUOTA = 10_000;
const OWN: Alarm = { type: "no-space", memberId: SELF };
const OTHER: Alarm = { type: "no-space", memberId: 8n };

/** The quota of a member whose Raft and applier do what the spec says. */
class Bench {
  readonly proposals: Propose[] = [];
  readonly quota: QuotaActor;

  constructor(
    condition: Partial<StoreCondition> = {},
    alarmClearing: AlarmClearing = "auto",
    quotaBytes = QUOTA,
  ) {
    this.quota = new QuotaActor(
      { memberId: SELF, quotaBytes, alarmClearing },
      {
        raft: { tell: (message) => void (message.kind === "propose" && this.proposals.push(message)) },
        condition: { storedBytes: 0, alarms: [], ...condition },
      },
    );
  }

  lead(term = TERM, established = true): this {
    this.quota.receive({
      kind: "leadership",
      leadership: { role: "leader", term, leader: SELF, established },
    });
    return this;
  }

  follow(term = TERM): this {
    const leadership = { role: "follower" as const, term, leader: undefined, established: false };
    this.quota.receive({ kind: "leadership", leadership });
    return this;
  }

  store(storedBytes: number, alarms: readonly Alarm[] = []): this {
    this.quota.receive({ kind: "condition", condition: { storedBytes, alarms } });
    return this;
  }

  /** What stands before a put with a value of this size. */
  beforePut(valueBytes = 0, term = TERM): Entry | undefined {
    const request = { key: new Uint8Array(1), value: new Uint8Array(valueBytes) };
    return this.before({ kind: "put", bytes: etcdserverpb.PutRequest.encode(request).finish() }, term);
  }

  before(command: RawCommand, term = TERM): Entry | undefined {
    return this.quota.entryBefore(encodeCommandBatch([command]), term);
  }
}

const deletion: RawCommand = {
  kind: "delete-range",
  bytes: etcdserverpb.DeleteRangeRequest.encode({ key: new Uint8Array(500) }).finish(),
};
const refusal = encodeProposeResponse({
  kind: "refused",
  refusal: { reason: "overloaded", term: TERM, leader: undefined },
});

function commandsOf(entry: Entry | undefined): unknown {
  return entry && decodeCommandBatch(entry.data);
}

function changes(action: "activate" | "deactivate", ...alarms: readonly Alarm[]): unknown {
  return alarms.map((alarm) => ({ kind: "alarm", request: { action, ...alarm } }));
}

describe("QuotaActor", () => {
  it("puts an alarm in front of the write with which the quota would be reached, and not before", () => {
    const bench = new Bench().lead().store(QUOTA - 257 - 101);
    expect(bench.beforePut(100)).toBeUndefined();
    expect(commandsOf(bench.beforePut(101))).toEqual(changes("activate", OWN));
  });

  it("lets pass what takes no space, however full the store is", () => {
    expect(
      new Bench()
        .lead()
        .store(2 * QUOTA)
        .before(deletion),
    ).toBeUndefined();
  });

  it("raises no alarm for a proposal of another term, or without leading", () => {
    const bench = new Bench({ storedBytes: QUOTA });
    expect(bench.beforePut()).toBeUndefined();
    expect(bench.lead().beforePut(0, 4 as Term)).toBeUndefined();
    expect(bench.follow().beforePut()).toBeUndefined();
    expect(bench.lead().beforePut()).toBeDefined();
  });

  it("raises one alarm, until it is lost", () => {
    const bench = new Bench().lead().store(QUOTA);
    const first = bench.beforePut();
    expect(bench.beforePut()).toBeUndefined();
    first!.asker.answer(refusal);
    expect(bench.beforePut()).toBeDefined();
    expect(bench.lead(6 as Term).beforePut(0, 6 as Term)).toBeDefined();
    bench.store(QUOTA, [OTHER]);
    bench.lead(8 as Term);
    expect(bench.beforePut(0, 8 as Term)).toBeUndefined();
  });

  it("clears every NOSPACE, and no other alarm, once less than nine tenths are used", () => {
    const corrupt: Alarm = { type: "corrupt", memberId: SELF };
    const bench = new Bench().lead().store(9000, [OWN, OTHER, corrupt]);
    expect(bench.proposals).toEqual([]);
    bench.store(8999, [OWN, OTHER, corrupt]);
    expect(bench.proposals.map(({ expectedTerm }) => expectedTerm)).toEqual([TERM]);
    expect(commandsOf(bench.proposals[0])).toEqual(changes("deactivate", OWN, OTHER));
  });

  it("tries again to clear when it was refused, and not while that is under way", () => {
    const bench = new Bench().lead().store(0, [OWN]);
    bench.quota.receive({ kind: "tick" });
    expect(bench.proposals).toHaveLength(1);
    bench.proposals[0]!.asker.answer(refusal);
    bench.quota.receive({ kind: "tick" });
    expect(bench.proposals).toHaveLength(2);
  });

  it("raises the alarm anew in front of a large write behind its own clearing", () => {
    const bench = new Bench().lead().store(8000, [OWN]);
    expect(bench.proposals).toHaveLength(1);
    expect(bench.beforePut()).toBeUndefined();
    expect(commandsOf(bench.beforePut(5000))).toEqual(changes("activate", OWN));
  });

  it("leaves clearing to people if it is told to, and to the leader", () => {
    expect(new Bench({}, "manual").lead().store(0, [OWN]).proposals).toEqual([]);
    expect(new Bench().store(0, [OWN]).proposals).toEqual([]);
    const bench = new Bench().lead(TERM, false).store(0, [OWN]);
    expect(bench.proposals).toEqual([]);
    bench.lead().quota.receive({ kind: "tick" });
    expect(bench.proposals).toHaveLength(1);
  });

  it("is never full without a quota, and clears what an earlier quota has left", () => {
    const bench = new Bench({}, "auto", Infinity).lead().store(1e12, [OWN]);
    expect(bench.proposals).toHaveLength(1);
    expect(new Bench({}, "auto", Infinity).lead().store(1e12).beforePut()).toBeUndefined();
  });
});
