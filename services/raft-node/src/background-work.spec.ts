import { VirtualTime } from "@quorate/actor";
import { utf8 } from "@quorate/base";
import { NO_LEASE, type Revision } from "@quorate/mvcc";
import type { Term } from "@quorate/raft";
import { STATE_COLUMNS, StateMachine, type Command, type StateColumn } from "@quorate/state-machine";
import { MemoryDisk, MemoryKeyValueStore } from "@quorate/storage";
import {
  decodeReadResponse,
  etcdserverpb,
  ResponseEncoder,
  saturatingNumber,
  type MaintenanceQuery,
} from "@quorate/wire";
import { BackgroundWork } from "./background-work";
import type { CompactionReport, MaintenanceReport } from "./actors/applier-actor";

const TERM = 3 as Term;
const PAUSE_MS = 10;

/** The background of an apply lane, whose foreground the spec is. */
class Bench {
  readonly time = new VirtualTime();
  readonly store: MemoryKeyValueStore<StateColumn>;
  readonly stateMachine: StateMachine;
  readonly reports: (CompactionReport | MaintenanceReport)[] = [];
  readonly work: BackgroundWork;
  #nextId = 1;

  constructor(readonly disk = new MemoryDisk<StateColumn>(STATE_COLUMNS)) {
    this.store = new MemoryKeyValueStore<StateColumn>(disk);
    this.stateMachine = new StateMachine({}, { view: this.store });
    this.work = new BackgroundWork(
      { stepWork: 4, stepPauseMs: PAUSE_MS },
      {
        state: this,
        encoder: new ResponseEncoder({ clusterId: 1n, memberId: 2n }),
        reports: { tell: (report) => void this.reports.push(report) },
        clock: this.time,
      },
    );
    this.time.advance(PAUSE_MS);
  }

  apply(...commands: Command[]): void {
    const batch = this.store.batch();
    this.stateMachine.apply([{ index: this.stateMachine.position.index + 1, term: TERM, commands }], batch);
    batch.write({ sync: false });
  }

  overwrite(times: number): this {
    for (let at = 0; at < times; at += 1) this.apply(put("k", `${at}`));
    return this;
  }

  compact(revision: number): void {
    this.apply({ kind: "compact", request: { revision: revision as Revision, physical: true } });
    this.work.compact();
  }

  ask(query: MaintenanceQuery, timeoutMs = 60_000): number {
    const id = this.#nextId;
    this.#nextId += 1;
    this.work.ask({ kind: "maintenance", id, raftTerm: TERM, query, timeoutMs });
    return id;
  }

  awaitCompacted(revision: number, timeoutMs?: number): number {
    return this.ask({ kind: "compacted", revision: revision as Revision }, timeoutMs);
  }

  /** What was said to a request: bytes, or why there are none. */
  answer(id: number): Uint8Array | string | undefined {
    const results = this.reports.filter((report) => report.kind === "maintenance-result");
    const report = results.find((each) => each.id === id);
    if (report === undefined) return undefined;
    const answer = decodeReadResponse(report.response);
    if (answer.kind === "refused") return answer.refusal.reason;
    const [result] = answer.results;
    return result!.ok ? result!.bytes : result!.failure.code;
  }

  hash(id: number): { hash: number; compacted: number; upTo: number } | undefined {
    const bytes = this.answer(id);
    if (!(bytes instanceof Uint8Array)) return undefined;
    const { hash, compactRevision, hashRevision } = etcdserverpb.HashKVResponse.decode(bytes);
    return { hash, compacted: saturatingNumber(compactRevision), upTo: saturatingNumber(hashRevision) };
  }

  get historyRows(): number {
    using rows = this.store.scan("history", new Uint8Array(0), undefined);
    let count = 0;
    while (rows.next() !== undefined) count += 1;
    return count;
  }
}

function put(key: string, value: string): Command {
  const request = { prevKv: false, ignoreValue: false, ignoreLease: false, lease: NO_LEASE };
  return { kind: "put", request: { ...request, key: utf8(key), value: utf8(value) } };
}

describe("BackgroundWork", () => {
  it("compacts in small steps with pauses, and then tells those who wait for it", () => {
    const bench = new Bench().overwrite(20);
    const waiter = bench.awaitCompacted(21);
    bench.compact(21);
    const seen: number[] = [];
    while (bench.answer(waiter) === undefined) {
      seen.push(bench.historyRows);
      bench.time.advance(PAUSE_MS);
    }
    expect(seen[0]).toBe(19);
    expect(seen.length).toBeGreaterThan(8);
    expect(bench.historyRows).toBe(0);
  });

  it("tells after each step what is stored then, and afterwards those who wait", () => {
    const bench = new Bench().overwrite(20);
    bench.awaitCompacted(21);
    bench.compact(21);
    bench.time.advance(1000);
    const sizes = bench.reports.flatMap((report) =>
      report.kind === "store-compacted" ? [report.condition.storedBytes] : [],
    );
    expect(sizes.length).toBeGreaterThan(8);
    expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
    expect(sizes.at(-1)).toBe(bench.stateMachine.condition.storedBytes);
    expect(bench.reports.at(-1)!.kind).toBe("maintenance-result");
  });

  it("tells nobody of a compaction that a power loss would take back", () => {
    const bench = new Bench().overwrite(5);
    const waiter = bench.awaitCompacted(6);
    bench.compact(6);
    bench.time.advance(1000);
    expect(bench.answer(waiter)).toHaveLength(0);
    expect(bench.disk.unsyncedBatches).toBe(0);
  });

  it("answers at once if everything asked for is gone already", () => {
    const bench = new Bench().overwrite(5);
    bench.compact(6);
    bench.time.advance(1000);
    expect(bench.answer(bench.awaitCompacted(4))).toHaveLength(0);
  });

  it("goes on after a restart", () => {
    const first = new Bench().overwrite(20);
    first.compact(21);
    first.time.advance(2 * PAUSE_MS);
    expect(first.historyRows).toBeGreaterThan(0);
    first.disk.crash(first.disk.unsyncedBatches);
    const second = new Bench(first.disk);
    second.time.advance(1000);
    expect(second.historyRows).toBe(0);
  });

  it("hashes the store as it is when its turn comes, while writes and compaction go on", () => {
    const bench = new Bench().overwrite(20);
    const before = bench.ask({ kind: "hash-kv", revision: 0 as Revision });
    bench.time.advance(2 * PAUSE_MS);
    bench.apply(put("other", "x"));
    bench.compact(15);
    const after = bench.ask({ kind: "hash-kv", revision: 21 as Revision });
    const whole = bench.ask({ kind: "hash" });
    bench.time.advance(10_000);
    expect(bench.hash(before)).toMatchObject({ compacted: -1, upTo: 21 });
    expect(bench.hash(after)).toMatchObject({ compacted: 15, upTo: 21 });
    expect(bench.answer(whole)).toBeInstanceOf(Uint8Array);
    expect(bench.historyRows).toBe(6);

    const calm = new Bench().overwrite(20);
    const expected = calm.ask({ kind: "hash-kv", revision: 0 as Revision });
    calm.time.advance(10_000);
    expect(bench.hash(before)).toEqual(calm.hash(expected));
  });

  it("says why there is no hash of a revision", () => {
    const bench = new Bench().overwrite(5);
    bench.compact(4);
    const ids = [3, 4, 7].map((revision) => bench.ask({ kind: "hash-kv", revision: revision as Revision }));
    bench.time.advance(1000);
    expect(bench.answer(ids[0]!)).toBe("compacted");
    expect(bench.hash(ids[1]!)).toBeDefined();
    expect(bench.answer(ids[2]!)).toBe("future-revision");
  });

  it("refuses more hashes than may wait, and gives up those that nobody waits for any more", () => {
    const bench = new Bench().overwrite(100);
    const ids = Array.from({ length: 9 }, () => bench.ask({ kind: "hash-kv", revision: 0 as Revision }, 50));
    expect(bench.answer(ids.at(-1)!)).toBe("overloaded");
    bench.time.advance(500);
    expect(bench.reports).toHaveLength(9);
    const last = bench.ask({ kind: "hash-kv", revision: 0 as Revision });
    bench.time.advance(1000);
    expect(bench.hash(last)).toBeDefined();
  });

  it("hashes what can be read at a revision, whatever else is stored: the same before and after a compaction", () => {
    const bench = new Bench().overwrite(5);
    const asked = () => {
      const id = bench.ask({ kind: "hash-state", revision: 4 as Revision });
      bench.time.advance(1000);
      return bench.hash(id);
    };
    const before = asked()!;
    expect(before.upTo).toBe(4);
    bench.compact(4);
    bench.time.advance(1000);
    expect(asked()).toEqual({ ...before, compacted: 4 });
    const batch = bench.store.batch();
    batch.del("latest", utf8("k"));
    batch.write({ sync: false });
    const { revision } = bench.stateMachine.position;
    const [whole, damaged] = [new Bench().overwrite(5), bench].map((each) => {
      const id = each.ask({ kind: "hash-state", revision });
      each.time.advance(1000);
      return each.hash(id)?.hash;
    });
    expect(damaged).not.toBe(whole);
  });

  it("forgets those who waited in vain for a compaction", () => {
    const bench = new Bench().overwrite(2);
    const waiter = bench.awaitCompacted(100, 500);
    bench.time.advance(499);
    expect(bench.answer(waiter)).toBeUndefined();
    bench.time.advance(1);
    expect(bench.answer(waiter)).toBe("internal");
  });
});
