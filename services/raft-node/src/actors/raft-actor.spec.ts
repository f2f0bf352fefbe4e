import { VirtualTime } from "@quorate/actor";
import { seededPrng } from "@quorate/base";
import {
  crcChainHash,
  Raft,
  RAFT_DEFAULTS,
  type Entry,
  type LogIndex,
  type MemberId,
  type Term,
} from "@quorate/raft";
import { UNFOUNDED, type AppliedPosition } from "@quorate/state-machine";
import { MemoryAnchor, MemoryAnchorDisk, MemoryLogDisk, MemoryLogStorage } from "@quorate/storage";
import { decodeCommandBatch, encodeCommandBatch, etcdserverpb } from "@quorate/wire";
import { AnchorKeeper } from "../anchor/anchor-keeper";
import { LogWriterActor, type LogWriterReport } from "./log-writer-actor";
import { QuotaActor } from "./quota-actor";
import { RaftActor, type Leadership, type RaftMessage } from "./raft-actor";

const SELF = 1n as MemberId;
const QUOTA = 10_000;

/** The only member of a cluster, with a log in memory; what is to be applied is only collected. */
class Bench {
  readonly entries: Entry[] = [];
  leadership: Leadership | undefined;
  readonly #actor: RaftActor;
  readonly #logWriter: LogWriterActor;
  #reports: LogWriterReport[] = [];

  constructor(storedBytes: number) {
    const identity = {
      clusterId: 9n,
      clusterName: "c",
      memberId: SELF,
      memberName: "n1",
      directoryId: "d",
    };
    const configuration = { incoming: [SELF], outgoing: [], learners: [] };
    const options = { tailBytesMax: 1 << 20 };
    const storage = MemoryLogStorage.create(new MemoryLogDisk(), { identity, configuration }, options);
    const clock = new VirtualTime();
    this.#logWriter = new LogWriterActor(
      { compactionEntriesMax: 10, compactionPauseMs: 10 },
      {
        storage,
        anchor: new AnchorKeeper(
          { lagMsMax: 100, lagEntriesMax: 1000, strict: false },
          { anchor: MemoryAnchor.open(new MemoryAnchorDisk()), storage, clock },
        ),
        reports: { tell: (report) => void (report.kind === "begun" || this.#reports.push(report)) },
        clock,
      },
    );
    const { hardState } = storage.start;
    this.#logWriter.receive({ kind: "begin", incarnation: 1, hardState, promised: undefined });
    const condition = { storedBytes, alarms: [] };
    const position = { index: 0, term: 0, revision: 1, compactRevision: -1, effectHash: 0 };
    this.#actor = new RaftActor(
      {
        applyBacklogMax: 100,
        readsMax: 100,
        diskStallTicks: 10,
        clusterId: identity.clusterId,
        founders: [],
      },
      {
        raft: new Raft(
          { ...RAFT_DEFAULTS, memberId: SELF },
          { ...storage.start, applied: 0 as LogIndex },
          { prng: seededPrng(1), chainHash: crcChainHash },
        ),
        peers: { send: () => undefined },
        snapshots: { fetch: () => undefined, discard: () => undefined },
        stateReplaced: () => undefined,
        lossNoticed: () => undefined,
        repaired: () => undefined,
        logWriter: { tell: (message) => this.#logWriter.receive(message) },
        applier: {
          tell: (message) => void (message.kind === "apply" && this.entries.push(...message.entries)),
        },
        lessor: { tell: () => undefined },
        quota: new QuotaActor(
          { memberId: SELF, quotaBytes: QUOTA, alarmClearing: "auto" },
          { raft: { tell: () => undefined }, condition },
        ),
        leadershipChanged: (leadership) => void (this.leadership = leadership),
        diskStalled: () => undefined,
        membershipApplied: () => undefined,
        position: position as AppliedPosition,
        membership: UNFOUNDED,
        condition,
      },
    );
  }

  /** Hands it over, and lets the log be written until nothing comes of it any more. */
  tell(...messages: readonly RaftMessage[]): void {
    for (let next: readonly RaftMessage[] = messages; next.length > 0;) {
      this.#reports = [];
      for (const message of next) this.#actor.receive(message);
      this.#actor.turnEnded();
      this.#logWriter.turnEnded();
      next = this.#reports.filter((report) => report.kind !== "scrubbed");
    }
  }

  /** Hands it over in a turn that goes on. */
  receive(message: RaftMessage): void {
    this.#actor.receive(message);
  }

  lead(): this {
    while (this.leadership?.role !== "leader") this.tell({ kind: "tick" });
    return this;
  }

  put(valueBytes: number): RaftMessage {
    const request = { key: new Uint8Array(1), value: new Uint8Array(valueBytes) };
    const bytes = etcdserverpb.PutRequest.encode(request).finish();
    const data = encodeCommandBatch([{ kind: "put", bytes }]);
    const asker = { answer: () => undefined, span: undefined };
    return { kind: "propose", expectedTerm: this.leadership!.term, data, asker };
  }

  /** The kinds of all commands that are committed, in their order. */
  get committed(): string[] {
    return this.entries
      .filter(({ type }) => type === "command")
      .flatMap(({ data }) => decodeCommandBatch(data).map(({ kind }) => kind));
  }
}

describe("RaftActor", () => {
  it("puts the alarm into the log right in front of the write that would reach the quota", () => {
    const bench = new Bench(QUOTA - 1000).lead();
    bench.tell(bench.put(1), bench.put(2000), bench.put(1));
    expect(bench.committed).toEqual(["put", "alarm", "put", "put"]);
  });

  it("proposes nothing else while there is space", () => {
    const bench = new Bench(0).lead();
    bench.tell(bench.put(1), bench.put(2000));
    expect(bench.committed).toEqual(["put", "put"]);
  });

  it("confirms that it leads only by a round that begins after the question, and no other term", () => {
    const bench = new Bench(0).lead();
    const { term } = bench.leadership!;
    const told: (LogIndex | undefined)[] = [];
    const settled = (index: LogIndex | undefined): void => void told.push(index);
    bench.receive({ kind: "confirm", term, settled });
    expect(told).toEqual([]); // its round is sent with the rest of the turn
    bench.tell({ kind: "tick" });
    expect(told).toEqual([1]);
    bench.receive({ kind: "confirm", term: (term + 1) as Term, settled });
    expect(told).toEqual([1, undefined]);
  });
});
