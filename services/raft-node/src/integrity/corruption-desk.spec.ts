import { VirtualTime } from "@quorate/actor";
import type { MemberId, Role, Term } from "@quorate/raft";
import type { Alarm, AppliedPosition } from "@quorate/state-machine";
import { SILENT_LOGGER } from "@quorate/telemetry";
import { decodeCommandBatch, type IntegrityNote } from "@quorate/wire";
import type { AlarmClearing } from "../actors/quota-actor";
import type { NodeView, RaftMessage } from "../actors/raft-actor";
import { CorruptionDesk } from "./corruption-desk";

const [SELF, B, C] = [1n, 2n, 3n] as MemberId[] as [MemberId, MemberId, MemberId];
const WHY = "a block is damaged";

/** The desk of a member, which leads unless told, in virtual time; the spec is everybody else. */
class Bench {
  readonly time = new VirtualTime();
  readonly notes: [MemberId, IntegrityNote][] = [];
  readonly ownDamage: string[] = [];
  role: Role = "leader";
  term = 1 as Term;
  voters = [SELF, B, C];
  alarms: Alarm[] = [];
  readonly desk: CorruptionDesk;
  #index = 0;

  constructor(alarmClearing: AlarmClearing = "auto") {
    this.desk = new CorruptionDesk(
      { memberId: SELF, incarnation: 7, alarmClearing },
      {
        raft: { tell: (message) => this.#propose(message) },
        peers: { note: (to, note) => void this.notes.push([to, note]) },
        view: () => this.#view(),
        clock: this.time,
        logger: SILENT_LOGGER,
        damaged: (why) => void this.ownDamage.push(why),
      },
    );
    this.tick();
  }

  /** This member applies an entry, after which its effect hash is the index times ten. */
  apply(): this {
    this.#index += 1;
    this.desk.applied({ index: this.#index } as AppliedPosition, [this.#index * 10]);
    return this;
  }

  hear(from: MemberId, index: number, hash: number, incarnation = 1): void {
    this.desk.heard(from, incarnation, { effects: { index, hash } });
  }

  tick(milliseconds = 500): void {
    this.time.advance(milliseconds);
    this.desk.tick();
  }

  /** What was said since the last call. */
  said(): [MemberId, IntegrityNote][] {
    return this.notes.splice(0);
  }

  get corrupt(): bigint[] {
    return this.alarms.map(({ memberId }) => memberId);
  }

  /** What the log makes of a proposal: alarms come and go. */
  #propose(message: RaftMessage): void {
    if (message.kind !== "propose") throw new Error(`unexpected ${message.kind}`);
    for (const command of decodeCommandBatch(message.data)) {
      if (command.kind !== "alarm") throw new Error(`unexpected ${command.kind}`);
      const { action, memberId } = command.request;
      this.alarms = this.alarms.filter((alarm) => alarm.memberId !== memberId);
      if (action === "activate") this.alarms.push({ type: "corrupt", memberId });
    }
    message.asker.answer(new Uint8Array(0));
  }

  #view(): NodeView {
    const configuration = { incoming: this.voters, outgoing: [], learners: [] };
    const { role, term, alarms } = this;
    const raft = { role, term, established: true, stateIsWhole: true, configuration };
    return { raft, condition: { storedBytes: 0, alarms } } as unknown as NodeView;
  }
}

describe("CorruptionDesk", () => {
  it("is silent while all members agree, each where it stands", () => {
    const bench = new Bench().apply().apply();
    bench.hear(B, 2, 20);
    bench.hear(C, 1, 10);
    bench.tick();
    expect([bench.said(), bench.alarms, bench.ownDamage]).toEqual([[], [], []]);
  });

  it("asks everybody about the index at which a member differs, and has the minority fence itself", () => {
    const bench = new Bench().apply().apply();
    bench.hear(B, 2, 99, 4);
    expect(bench.said()).toEqual([[C, { effectsWanted: 2 }]]);
    bench.hear(C, 2, 20);
    const why = expect.stringMatching(/differ at log index 2/) as string;
    expect(bench.said()).toEqual([[B, { receiverDamaged: { incarnation: 4, why } }]]);
    bench.tick();
    expect(bench.corrupt).toEqual([B]);
  });

  it("asks again until it is answered", () => {
    const bench = new Bench().apply();
    bench.hear(B, 1, 99);
    bench.said();
    bench.tick();
    expect(bench.said()).toEqual([[C, { effectsWanted: 1 }]]);
  });

  it("fences itself if it is the minority, though it leads", () => {
    const bench = new Bench().apply();
    bench.hear(B, 1, 11);
    bench.hear(C, 1, 11);
    expect(bench.ownDamage).toEqual([expect.stringMatching(/log index 1/)]);
  });

  it("compares a member that is ahead once it has come there itself", () => {
    const bench = new Bench().apply();
    bench.hear(B, 2, 99);
    bench.hear(C, 2, 20);
    expect(bench.said()).toEqual([]);
    bench.apply();
    expect(bench.said()).not.toEqual([]);
    bench.hear(C, 2, 20);
    bench.tick();
    expect(bench.corrupt).toEqual([B]);
  });

  it("stops writes with an alarm that names nobody when no majority is known for long, and lets go once there is one", () => {
    const bench = new Bench().apply();
    bench.hear(B, 1, 99);
    bench.tick();
    expect(bench.alarms).toEqual([]);
    bench.tick(3000);
    expect(bench.corrupt).toEqual([0n]);
    bench.hear(B, 1, 99);
    bench.hear(C, 1, 10);
    bench.tick();
    expect(bench.corrupt).toEqual([B]);
  });

  it("leaves it to an operator to go on without a majority", () => {
    const bench = new Bench().apply();
    bench.hear(B, 1, 99);
    bench.tick(4000);
    expect(bench.corrupt).toEqual([0n]);
    bench.alarms = [];
    bench.hear(B, 1, 99);
    bench.tick(4000);
    expect(bench.corrupt).toEqual([]);
  });

  it("raises the alarm about a member that says so of itself, whoever led then", () => {
    const bench = new Bench().apply();
    bench.role = "follower";
    bench.tick();
    bench.desk.heard(B, 4, { senderDamaged: { incarnation: 4, why: WHY } });
    bench.tick();
    expect(bench.alarms).toEqual([]);
    bench.role = "leader";
    bench.term = 2 as Term;
    bench.tick();
    expect(bench.corrupt).toEqual([B]);
  });

  it("clears the alarm once the member agrees in a later start, and not before", () => {
    const bench = new Bench().apply();
    bench.desk.heard(B, 4, { senderDamaged: { incarnation: 4, why: WHY } });
    bench.tick();
    bench.hear(B, 1, 10, 4); // what it said before it ended arrives late
    bench.tick();
    expect(bench.corrupt).toEqual([B]);
    bench.hear(B, 1, 99, 5);
    bench.tick();
    expect(bench.corrupt).toEqual([B]);
    bench.hear(B, 1, 10, 5);
    bench.tick();
    expect(bench.corrupt).toEqual([]);
  });

  it("forgets a damage whose alarm another leader has cleared", () => {
    const bench = new Bench();
    bench.role = "follower";
    bench.desk.heard(B, 1, { senderDamaged: { incarnation: 1, why: WHY } });
    bench.tick();
    bench.alarms = [{ type: "corrupt", memberId: B }];
    bench.tick();
    bench.alarms = [];
    bench.role = "leader";
    bench.term = 2 as Term;
    bench.tick();
    bench.tick();
    expect(bench.corrupt).toEqual([]);
  });

  it("says nothing to a later start of a damaged member: that may be sound", () => {
    const bench = new Bench().apply();
    bench.desk.heard(B, 4, { senderDamaged: { incarnation: 4, why: WHY } });
    bench.said();
    bench.desk.heard(B, 5, {});
    bench.tick();
    expect(bench.said()).toEqual([]);
  });

  it("leaves alarms to people where it is told to, and always those about nobody that it knows", () => {
    const manual = new Bench("manual").apply();
    manual.alarms = [{ type: "corrupt", memberId: B }];
    manual.hear(B, 1, 10);
    manual.tick();
    expect(manual.corrupt).toEqual([B]);
    const auto = new Bench().apply();
    auto.alarms = [0n, 77n].map((memberId) => ({ type: "corrupt", memberId }));
    auto.hear(B, 1, 10);
    auto.hear(C, 1, 10);
    auto.tick();
    expect(auto.corrupt).toEqual([0n, 77n]);
  });

  it("clears the alarm about a member that was removed", () => {
    const bench = new Bench().apply();
    bench.alarms = [{ type: "corrupt", memberId: B }];
    bench.voters = [SELF, C];
    bench.desk.membershipApplied([B]);
    bench.tick();
    expect(bench.corrupt).toEqual([]);
  });

  it("fences this member when it is told so about this start, and not about an earlier one", () => {
    const bench = new Bench();
    bench.desk.heard(B, 1, { receiverDamaged: { incarnation: 6, why: WHY } });
    expect(bench.ownDamage).toEqual([]);
    bench.desk.heard(B, 1, { receiverDamaged: { incarnation: 7, why: WHY } });
    expect(bench.ownDamage).toEqual([expect.stringContaining(WHY)]);
  });

  it("tells everybody of its own damage before it ends", () => {
    const bench = new Bench();
    bench.desk.announce(WHY);
    const note = { senderDamaged: { incarnation: 7, why: WHY } };
    expect(bench.said()).toEqual([
      [B, note],
      [C, note],
    ]);
  });

  it("answers what its hash was at an index, if it remembers", () => {
    const bench = new Bench().apply().apply();
    for (const effectsWanted of [1, 3]) bench.desk.heard(B, 1, { effectsWanted });
    expect(bench.said()).toEqual([[B, { effects: { index: 1, hash: 10 } }]]);
  });
});
