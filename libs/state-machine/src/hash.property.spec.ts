import { compareBytes, crc32c, utf8 } from "@quorate/base";
import * as fc from "fast-check";
import type { Event, HashRun, Revision } from "@quorate/mvcc";
import { commands as storeCommands, resolveRevisions } from "../../mvcc/src/testing/request-arbitraries";
import { leaseCommands, resolveSequences } from "./testing/lease-arbitraries";
import { NaiveState } from "./testing/naive-state";
import { StateFixture } from "./testing/state-fixture";
import type { CommittedEntry } from "./types";

const RUNS = Number(process.env["PROPERTY_RUNS"] ?? 500);
jest.setTimeout(120_000);

const logs = fc.array(
  fc.array(fc.oneof({ weight: 4, arbitrary: storeCommands }, { weight: 1, arbitrary: leaseCommands }), {
    maxLength: 4,
  }),
  { minLength: 1, maxLength: 15 },
);
/** How one member goes about it: entries per batch, and work done on compaction after each batch. */
const habits = fc.record({
  batch: fc.integer({ min: 1, max: 5 }),
  compaction: fc.constantFrom(0, 1, 3, 1000),
  eventRowBytesMax: fc.constantFrom(1, 60, 1 << 20),
});
type Habits = typeof habits extends fc.Arbitrary<infer T> ? T : never;

function member(entries: readonly CommittedEntry[], { batch, compaction, eventRowBytesMax }: Habits) {
  const state = new StateFixture({ eventRowBytesMax });
  for (let at = 0; at < entries.length; at += batch) {
    state.apply(entries.slice(at, at + batch));
    if (compaction > 0) state.compactStep(compaction);
  }
  return state;
}

describe("the hash of the key-values", () => {
  it("is the naive one at every kept revision, whatever a member's batches and progress with compaction", () => {
    fc.assert(
      fc.property(logs, fc.array(habits, { minLength: 2, maxLength: 2 }), (log, ways) => {
        const model = new NaiveState();
        const lists = resolveSequences(resolveRevisions(log, 8), new NaiveState());
        const entries = lists.map((list, at): CommittedEntry => ({ index: at + 1, term: 1, commands: list }));
        for (const entry of entries) for (const command of entry.commands) model.execute(command, entry);
        const members = ways.map((way) => member(entries, way));
        for (let at = Math.max(model.compactRevision, 1); at <= model.revision; at += 1) {
          const expected = naiveHash(model.eventsFrom(0), model.compactRevision, at);
          expect(members.map((state) => hashAt(state, at))).toEqual([expected, expected]);
        }
        for (const { view } of members) expect(view.openIterators).toBe(0);
      }),
      { numRuns: RUNS },
    );
  });

  it("is of the moment in which it began, however much is written and compacted before it ends", () => {
    const steps = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(logs, logs, steps, (before, after, works) => {
        const state = new StateFixture();
        const apply = (log: typeof before): void => {
          const lists = resolveRevisions(log, state.machine.position.revision);
          for (const list of resolveSequences(lists, new NaiveState())) {
            state.apply([state.entry(...list)]);
          }
        };
        apply(before);
        const { revision } = state.machine.position;
        const expected = hashAt(state, revision);
        using run = begun(state, 0);
        let hash: number | undefined;
        for (const work of works) hash ??= run.step(work);
        apply(after);
        state.compactFully();
        expect(hash ?? finish(run)).toBe(expected);
      }),
      { numRuns: RUNS },
    );
  });

  it("does at most a step's work at a time", () => {
    const state = new StateFixture();
    for (let at = 0; at < 20; at += 1) {
      const request = { key: utf8(`${at}`), value: utf8("v"), lease: 0n, prevKv: false } as never;
      state.apply([state.entry({ kind: "put", request })]);
    }
    using run = begun(state, 0);
    for (let step = 0; step < 20; step += 1) expect(run.step(1)).toBeUndefined();
    expect(run.step(1000)).toBe(hashAt(state, state.machine.position.revision));
  });

  it("cannot be had of a revision that is compacted or still to come", () => {
    const state = new StateFixture();
    const put = { kind: "put", request: { key: utf8("a"), value: utf8("v"), lease: 0n } as never } as const;
    const request = { revision: 3 as Revision, physical: false };
    state.apply([state.entry(put, put, put, { kind: "compact", request })]);
    const codes = [2, 3, 4, 5].map((at) => {
      const started = state.machine.hashKv(at as Revision);
      if (started.ok) started.run[Symbol.dispose]();
      return started.ok ? "ok" : started.error.code;
    });
    expect(codes).toEqual(["compacted", "ok", "ok", "future-revision"]);
  });
});

describe("the hash of the whole store", () => {
  it("differs as soon as any row does", () => {
    const hash = (state: StateFixture): number => {
      using run = state.machine.hash();
      return finish(run);
    };
    const [a, b] = [new StateFixture(), new StateFixture()];
    expect(hash(a)).toBe(hash(b));
    a.apply([a.entry()]);
    expect(hash(a)).not.toBe(hash(b));
    b.apply([b.entry()]);
    expect(hash(a)).toBe(hash(b));
  });
});

function begun(state: StateFixture, revision: number): HashRun {
  const started = state.machine.hashKv(revision as Revision);
  if (!started.ok) throw new Error(`No hash: ${started.error.code}`);
  return started.run;
}

function finish(run: HashRun): number {
  for (;;) {
    const hash = run.step(3);
    if (hash !== undefined) return hash;
  }
}

function hashAt(state: StateFixture, revision: number): number {
  using run = begun(state, revision);
  return finish(run);
}

/** From all changes that there ever were. */
function naiveHash(all: readonly Event[], compactRevision: number, upTo: number): number {
  const newest = new Map<string, Event>();
  for (const event of all.filter(({ main }) => main <= compactRevision)) {
    newest.set(Buffer.from(event.kv.key).toString("latin1"), event);
  }
  const kept = [...newest.values()]
    .filter(({ kind }) => kind === "put")
    .sort((a, b) => compareBytes(a.kv.key, b.kv.key))
    .map((event) => ({ ...event, sub: 0 }));
  const later = all.filter(({ main }) => main > compactRevision && main <= upTo);
  return crc32c(Buffer.concat([utf8("key"), ...[...kept, ...later].flatMap(etcdRow)]));
}

function etcdRow({ kind, main, sub, kv }: Event): Buffer[] {
  const key = Buffer.alloc(17, "_");
  key.writeBigUInt64BE(BigInt(main), 0);
  key.writeBigUInt64BE(BigInt(sub), 9);
  if (kind === "delete") return [key, Buffer.from("t"), bytesField(1, kv.key)];
  const numbers = [kv.createRevision, kv.modRevision, kv.version].map((value, at) =>
    numberField(at + 2, value),
  );
  return [key, bytesField(1, kv.key), ...numbers, bytesField(5, kv.value), numberField(6, kv.lease)];
}

function bytesField(field: number, bytes: Uint8Array): Buffer {
  if (bytes.length === 0) return Buffer.alloc(0);
  return Buffer.concat([varint(BigInt(field * 8 + 2)), varint(BigInt(bytes.length)), bytes]);
}

function numberField(field: number, value: number | bigint): Buffer {
  if (BigInt(value) === 0n) return Buffer.alloc(0);
  return Buffer.concat([varint(BigInt(field * 8)), varint(BigInt.asUintN(64, BigInt(value)))]);
}

function varint(value: bigint): Buffer {
  return value < 0x80n
    ? Buffer.of(Number(value))
    : Buffer.concat([Buffer.of(Number(value & 0x7fn) | 0x80), varint(value >> 7n)]);
}
