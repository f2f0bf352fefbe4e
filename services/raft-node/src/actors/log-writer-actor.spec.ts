import { VirtualTime } from "@quorate/actor";
import type { Entry, LogIndex, MemberId, Term } from "@quorate/raft";
import {
  MemoryAnchor,
  MemoryAnchorDisk,
  MemoryLogDisk,
  MemoryLogStorage,
  StorageWriteError,
  type LogStorage,
  type LogWrite,
} from "@quorate/storage";
import { AnchorKeeper } from "../anchor/anchor-keeper";
import { LogWriterActor, type LogWriterBegun, type LogWriterReport } from "./log-writer-actor";

const OPTIONS = { compactionEntriesMax: 2, compactionPauseMs: 10 };
const ANCHOR_OPTIONS = { lagMsMax: 100, lagEntriesMax: 1000, strict: false };
const MEMBER = 0xa1n as MemberId;

function entry(index: number, term = 1): Entry {
  return {
    index: index as LogIndex,
    term: term as Term,
    type: "command",
    data: Uint8Array.of(index),
    chain: index * 10 + term,
  };
}

function write(entries: readonly Entry[], truncateFrom?: number): LogWrite {
  return { entries, truncateFrom: truncateFrom as LogIndex | undefined, hardState: undefined };
}

/** A memory log that counts its syncs. */
function build() {
  const disk = new MemoryLogDisk();
  const memory = MemoryLogStorage.create(disk, {
    identity: { clusterId: 1n, clusterName: "c", memberId: MEMBER, memberName: "n1", directoryId: "d" },
    configuration: { incoming: [MEMBER], outgoing: [], learners: [] },
  });
  let syncs = 0;
  const storage: LogStorage = {
    start: memory.start,
    get extent() {
      return memory.extent;
    },
    sizeBytes: () => memory.sizeBytes(),
    get last() {
      return memory.last;
    },
    markAnchored: () => memory.markAnchored(),
    append: (writes) => {
      syncs += 1;
      memory.append(writes);
    },
    compact: (...args) => memory.compact(...args),
    refound: (...args) => memory.refound(...args),
    read: (from, to, bytesMax) => memory.read(from, to, bytesMax),
    [Symbol.asyncDispose]: () => memory[Symbol.asyncDispose](),
  };
  const reports: (LogWriterReport | LogWriterBegun)[] = [];
  const time = new VirtualTime();
  const kept = MemoryAnchor.open(new MemoryAnchorDisk());
  const anchor = new AnchorKeeper(ANCHOR_OPTIONS, { anchor: kept, storage, clock: time });
  const actor = new LogWriterActor(OPTIONS, {
    storage,
    anchor,
    reports: { tell: (report) => reports.push(report) },
    clock: time,
  });
  const { hardState } = storage.start;
  actor.receive({ kind: "begin", incarnation: 1, hardState, promised: undefined });
  expect(reports.splice(0)).toEqual([{ kind: "begun" }]);
  return { actor, reports, time, disk, syncs: () => syncs };
}

describe("LogWriterActor", () => {
  it.each([true, false])(
    "reports nothing of a write that failed, and dies of it (whether or not it is on disk: %s)",
    (reaches) => {
      const { actor, reports, disk } = build();
      disk.failWrites(reaches);
      actor.receive({ kind: "write", id: 1, write: write([entry(1)]) });
      expect(() => actor.turnEnded()).toThrow(StorageWriteError);
      expect(reports).toEqual([]);
    },
  );

  it("makes all writes of a turn durable with one sync, and says so afterwards", () => {
    const { actor, reports, syncs } = build();
    actor.receive({ kind: "write", id: 1, write: write([entry(1)]) });
    actor.receive({ kind: "write", id: 2, write: write([entry(2), entry(3)]) });
    expect(reports).toEqual([]);
    actor.turnEnded();
    expect(reports).toEqual([{ kind: "persisted", id: 2 }]);
    expect(syncs()).toBe(1);
    actor.turnEnded();
    expect(syncs()).toBe(1);
  });

  it("keeps the order of a truncation between two writes of one turn", () => {
    const { actor, reports } = build();
    actor.receive({ kind: "write", id: 1, write: write([entry(1), entry(2)]) });
    actor.receive({ kind: "write", id: 2, write: write([entry(2, 5)], 2) });
    actor.receive({ kind: "read", from: 1 as LogIndex, to: 2 as LogIndex, bytesMax: 100 });
    expect(reports.at(-1)).toEqual({ kind: "fetched", from: 1, entries: [entry(1), entry(2, 5)] });
  });

  it("reads back what the same turn has written", () => {
    const { actor, reports } = build();
    actor.receive({ kind: "write", id: 1, write: write([entry(1)]) });
    actor.receive({ kind: "read", from: 1 as LogIndex, to: 1 as LogIndex, bytesMax: 100 });
    expect(reports.map((report) => report.kind)).toEqual(["persisted", "fetched"]);
  });

  it("removes a part of the log in steps, between which writes go on", () => {
    const { actor, reports, time } = build();
    actor.receive({ kind: "write", id: 1, write: write([1, 2, 3, 4].map((index) => entry(index))) });
    actor.turnEnded();
    const configuration = { incoming: [MEMBER], outgoing: [], learners: [] };
    actor.receive({ kind: "compact", upTo: 3 as LogIndex, configuration });
    time.advance(10);
    actor.receive({ kind: "write", id: 2, write: write([entry(5)]) });
    actor.turnEnded();
    time.advance(1000);
    expect(reports).toEqual([
      { kind: "persisted", id: 1 },
      { kind: "compacted", at: { term: 1, index: 2 }, chain: 21 },
      { kind: "persisted", id: 2 },
      { kind: "compacted", at: { term: 1, index: 3 }, chain: 31 },
    ]);
    actor.receive({ kind: "read", from: 3 as LogIndex, to: 4 as LogIndex, bytesMax: 100 });
    expect(reports.at(-1)).toEqual({ kind: "fetched", from: 3, entries: [] });
  });

  it("reports nothing if the disk fails, and lets the failure end the thread", () => {
    const reports: (LogWriterReport | LogWriterBegun)[] = [];
    const failing = {
      append: () => {
        throw new Error("disk full");
      },
    } as unknown as LogStorage;
    const clock = new VirtualTime();
    const anchor = MemoryAnchor.open(new MemoryAnchorDisk());
    const actor = new LogWriterActor(OPTIONS, {
      storage: failing,
      anchor: new AnchorKeeper(ANCHOR_OPTIONS, { anchor, storage: failing, clock }),
      reports: { tell: (report) => reports.push(report) },
      clock,
    });
    actor.receive({ kind: "write", id: 1, write: write([entry(1)]) });
    expect(() => actor.turnEnded()).toThrow("disk full");
    expect(reports).toEqual([]);
  });
});
