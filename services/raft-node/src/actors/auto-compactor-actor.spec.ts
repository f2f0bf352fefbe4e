import { VirtualTime } from "@quorate/actor";
import type { Revision } from "@quorate/mvcc";
import type { Role, Term } from "@quorate/raft";
import type { Command } from "@quorate/state-machine";
import { SILENT_LOGGER } from "@quorate/telemetry";
import { decodeCommandBatch, encodeProposeResponse, type NodeAnswer } from "@quorate/wire";
import { compactionSchedule, type AutoCompaction } from "../auto-compaction";
import { Ticker } from "../ticker";
import { AutoCompactorActor } from "./auto-compactor-actor";
import type { NodeView, RaftMessage } from "./raft-actor";

const SUCCESS: NodeAnswer = { kind: "results", results: [{ ok: true, bytes: new Uint8Array(0) }] };

/** A member's compactor in virtual time; the store gets one revision per second. */
class Bench {
  readonly time = new VirtualTime();
  readonly proposals: Extract<RaftMessage, { kind: "propose" }>[] = [];
  role: Role = "leader";
  term = 7 as Term;
  compactRevision = -1;
  /** What the log makes of a proposal; `undefined`: nothing is heard of it. */
  outcome: NodeAnswer | undefined = SUCCESS;

  constructor(wanted: AutoCompaction) {
    const schedule = compactionSchedule(wanted, this.time.now());
    const actor = new AutoCompactorActor({
      schedule,
      clock: this.time,
      logger: SILENT_LOGGER,
      view: () => this.#view(),
      raft: {
        tell: (message) => {
          if (message.kind !== "propose") throw new Error(`unexpected ${message.kind}`);
          this.proposals.push(message);
          if (this.outcome !== undefined) message.asker.answer(encodeProposeResponse(this.outcome));
        },
      },
    });
    const tick = (): void => actor.receive({ kind: "tick" });
    tick();
    new Ticker({ intervalMs: schedule.everyMs }, { clock: this.time, scheduler: this.time, tick }).start();
  }

  /** Revisions that were proposed to be compacted within the next `seconds`. */
  compactedWithin(seconds: number): number[] {
    const before = this.proposals.length;
    this.time.advance(seconds * 1000);
    const commands: Command[] = this.proposals.slice(before).flatMap(({ data }) => decodeCommandBatch(data));
    return commands.map((command) => (command.kind === "compact" ? command.request.revision : NaN));
  }

  #view(): NodeView {
    const revision = Math.floor(this.time.now() / 1000) + 1;
    const position = { revision: revision as Revision, compactRevision: this.compactRevision as Revision };
    return { raft: { role: this.role, term: this.term }, position } as NodeView;
  }
}

const PERIODIC: AutoCompaction = { mode: "periodic", periodMs: 100_000 };
const BY_REVISION: AutoCompaction = { mode: "revision", revisions: 50, everyMs: 300_000 };

describe("AutoCompactorActor", () => {
  it("compacts each period to where the store stood one period ago, in the term that it leads", () => {
    const bench = new Bench(PERIODIC);
    expect(bench.compactedWithin(99)).toEqual([]);
    expect(bench.compactedWithin(101)).toEqual([1, 101]);
    expect(bench.proposals.map(({ expectedTerm }) => expectedTerm)).toEqual([7, 7]);
  });

  it("keeps the last revisions, looking every five minutes", () => {
    expect(new Bench(BY_REVISION).compactedWithin(650)).toEqual([251, 551]);
  });

  it("proposes nothing unless it leads, and knows the past once it does", () => {
    const bench = new Bench(PERIODIC);
    bench.role = "follower";
    expect(bench.compactedWithin(455)).toEqual([]);
    bench.role = "leader";
    expect(bench.compactedWithin(10)).toEqual([361]);
  });

  it.each<[string, NodeAnswer | undefined]>([
    ["refused", { kind: "refused", refusal: { reason: "overloaded", term: 7 as Term, leader: undefined } }],
    ["silent", undefined],
    ["failed", { kind: "results", results: [{ ok: false, failure: { code: "internal", detail: "" } }] }],
  ])("tries again at the next look after an attempt that was %s", (_how, outcome) => {
    const bench = new Bench(PERIODIC);
    bench.outcome = outcome;
    expect(bench.compactedWithin(125)).toEqual([1, 11, 21]);
    bench.outcome = SUCCESS;
    expect(bench.compactedWithin(100)).toEqual([31]);
  });

  it("is content if somebody else has compacted", () => {
    const bench = new Bench(PERIODIC);
    bench.outcome = {
      kind: "results",
      results: [{ ok: false, failure: { code: "compacted", detail: "" } }],
    };
    expect(bench.compactedWithin(195)).toEqual([1]);
    bench.compactRevision = 150;
    expect(bench.compactedWithin(100)).toEqual([]);
  });
});
