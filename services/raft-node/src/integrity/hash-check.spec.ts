import { VirtualTime } from "@quorate/actor";
import { seededPrng } from "@quorate/base";
import type { Revision } from "@quorate/mvcc";
import type { MemberId, Role } from "@quorate/raft";
import { SILENT_LOGGER } from "@quorate/telemetry";
import { MemoryNetwork } from "@quorate/transport";
import {
  decodeMaintenanceRequest,
  encodeReadResponse,
  etcdserverpb,
  parseClusterName,
  Subjects,
} from "@quorate/wire";
import type { NodeView } from "../actors/raft-actor";
import { HashCheck } from "./hash-check";
import type { HashVerdict } from "./hash-verdict";

const [A, B, C] = [1n, 2n, 3n] as MemberId[] as [MemberId, MemberId, MemberId];
const SUBJECTS = new Subjects(parseClusterName("c"));

interface Answers {
  state: number;
  history: number;
  compactRevision: number;
}

/** The check of member A, which leads; what each member answers is the spec's to say. */
class Bench {
  readonly time = new VirtualTime();
  readonly network = new MemoryNetwork({}, { clock: this.time, scheduler: this.time, prng: seededPrng(1) });
  readonly answers = new Map<MemberId, Answers>();
  readonly verdicts: HashVerdict[] = [];
  readonly check: HashCheck;
  role: Role = "leader";
  revision = 10;

  constructor() {
    for (const member of [A, B, C]) {
      this.answers.set(member, { state: 5, history: 6, compactRevision: 2 });
      const transport = this.network.connect(`${member}`);
      transport.subscribe(SUBJECTS.node(member, "maintenance"), ({ payload, reply }) => {
        const { query } = decodeMaintenanceRequest(payload);
        const answers = this.answers.get(member);
        if (answers === undefined) return; // it says nothing
        const { state, history, compactRevision } = answers;
        if (query.kind !== "hash-kv" && query.kind !== "hash-state")
          throw new Error(`unexpected ${query.kind}`);
        const bytes = etcdserverpb.HashKVResponse.encode({
          hash: query.kind === "hash-state" ? state : history,
          compactRevision,
          hashRevision: query.revision,
        }).finish();
        const result = { ok: true, bytes } as const;
        transport.publish(reply!, encodeReadResponse({ kind: "results", results: [result] }));
      });
    }
    this.check = new HashCheck(
      { memberId: A, everyMs: 60_000 },
      {
        transport: this.network.connect("check"),
        subjects: SUBJECTS,
        clock: this.time,
        logger: SILENT_LOGGER,
        view: () => this.#view(),
        judged: (verdict) => void this.verdicts.push(verdict),
      },
    );
  }

  run(milliseconds: number): void {
    for (let passed = 0; passed < milliseconds; passed += 500) {
      this.check.tick();
      this.time.advance(500);
    }
  }

  #view(): NodeView {
    const configuration = { incoming: [A, B, C], outgoing: [], learners: [] };
    const position = { revision: this.revision as Revision, compactRevision: 2 as Revision };
    return { raft: { role: this.role, established: true, configuration }, position } as unknown as NodeView;
  }
}

describe("HashCheck", () => {
  it("says nothing while all hashes are equal, each time that it looks", () => {
    const bench = new Bench();
    bench.run(130_000);
    expect([bench.check.rounds, bench.verdicts]).toEqual([2, []]);
  });

  it.each<[string, keyof Answers]>([
    ["what can be read", "state"],
    ["the history", "history"],
  ])("finds the member of which %s is another", (_what, part) => {
    const bench = new Bench();
    bench.answers.get(B)![part] = 99;
    bench.run(61_000);
    expect(bench.verdicts).toEqual([{ kind: "minority", members: [B] }]);
  });

  it("takes nobody for equal who cannot be reached, and so cannot decide between the other two", () => {
    const bench = new Bench();
    bench.network.disconnect(`${C}`);
    bench.answers.get(B)!.state = 99;
    bench.run(20 * 60_000);
    expect(bench.verdicts).toContainEqual({ kind: "undecided" });
    expect(bench.verdicts).not.toContainEqual(expect.objectContaining({ kind: "minority" }));
  });

  it("does not compare histories that begin elsewhere", () => {
    const bench = new Bench();
    Object.assign(bench.answers.get(B)!, { history: 99, compactRevision: 4 });
    bench.run(61_000);
    expect([bench.check.rounds, bench.verdicts]).toEqual([1, []]);
  });

  it("is the leader's business", () => {
    const bench = new Bench();
    bench.role = "follower";
    bench.answers.get(B)!.state = 99;
    bench.run(130_000);
    expect([bench.check.rounds, bench.verdicts]).toEqual([0, []]);
  });

  it("keeps a member that differs from serving, and no other", () => {
    const bench = new Bench();
    const told: (string | undefined)[] = [];
    bench.check.initially((why) => told.push(why));
    bench.time.advance(20_000);
    bench.answers.get(A)!.state = 99;
    bench.check.initially((why) => told.push(why));
    bench.time.advance(20_000);
    expect(told).toStrictEqual([undefined, expect.stringMatching(/key-values differ at revision 10/)]);
  });

  it("keeps a member from serving until somebody can tell which of two is right", () => {
    const bench = new Bench();
    const told: (string | undefined)[] = [];
    bench.answers.get(B)!.state = 99;
    const back = bench.answers.get(C)!;
    bench.answers.delete(C);
    bench.check.initially((why) => told.push(why));
    bench.time.advance(30_000);
    expect(told).toStrictEqual([]);
    bench.answers.set(C, back);
    bench.time.advance(30_000);
    expect(told).toStrictEqual([undefined]);
  });
});
