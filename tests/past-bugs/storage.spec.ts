import { VirtualTime } from "@quorate/actor";
import type { Configuration, Entry, LogIndex, MemberId } from "@quorate/raft";
import { UNFOUNDED, type AppliedPosition } from "@quorate/state-machine";
import {
  MemoryAnchor,
  MemoryAnchorDisk,
  MemoryKeyValueStore,
  MemoryLogDisk,
  MemoryLogStorage,
  StorageWriteError,
  type LogStorage,
} from "@quorate/storage";
import { logOf } from "../../libs/raft/src/testing/log-fixtures";
import { LogWriterActor, type LogWriterReport } from "../../services/raft-node/src/actors/log-writer-actor";
import { AnchorKeeper } from "../../services/raft-node/src/anchor/anchor-keeper";
import { anchorFindings, decideStart, type StartDecision } from "../../services/raft-node/src/start-up";
import { linesWith, RaftScene } from "./raft-scene";

const [SELF, ...OTHERS] = [1n, 2n, 3n] as [MemberId, MemberId, MemberId];
const THREE: Configuration = { incoming: [SELF, ...OTHERS], outgoing: [], learners: [] };
const identity = {
  clusterId: 0xc1n,
  clusterName: "c",
  memberId: SELF,
  memberName: "n1",
  directoryId: "d",
};

/** A member's log and anchor on disks that keep what was synced, and its log writer. */
class LogBench {
  readonly disk = new MemoryLogDisk({ syncedKept: 10 });
  readonly anchorDisk = new MemoryAnchorDisk();
  readonly reports: (LogWriterReport | { readonly kind: "begun" })[] = [];
  #writes = 0;
  #actor: LogWriterActor;
  readonly #time = new VirtualTime();

  constructor() {
    const storage = MemoryLogStorage.create(this.disk, { identity, configuration: THREE });
    this.#actor = this.#begin(storage, undefined);
  }

  /** Writes entries, and lets time pass until the anchor has them too. */
  write(entries: readonly Entry[], truncateFrom?: number): void {
    const write = { entries, truncateFrom: truncateFrom as LogIndex | undefined, hardState: undefined };
    this.#actor.receive({ kind: "write", id: (this.#writes += 1), write });
    this.#actor.turnEnded();
    this.#time.advance(1000);
  }

  /** The machine loses power, and as many synced writes as a rotten disk forgets. */
  crash(rotten = 0): void {
    this.disk.crash(0);
    this.disk.rot(rotten);
  }

  /** The member starts with what it finds. @returns What it makes of that, and where its log ends. */
  restart(): StartDecision & { readonly last: number } {
    const log = MemoryLogStorage.open(this.disk);
    const anchor = anchorFindings(MemoryAnchor.open(this.anchorDisk), log);
    const position = { index: 0, term: 1 } as AppliedPosition;
    const decision = decideStart("here", { start: log.start, anchor, position, membership: UNFOUNDED });
    this.#actor = this.#begin(log, decision.promised);
    return { ...decision, last: log.last.at.index };
  }

  #begin(storage: LogStorage, promised: StartDecision["promised"]): LogWriterActor {
    const clock = this.#time;
    const options = { lagMsMax: 100, lagEntriesMax: 1000, strict: false };
    const kept = MemoryAnchor.open(this.anchorDisk);
    const actor = new LogWriterActor(
      { compactionEntriesMax: 100, compactionPauseMs: 10 },
      {
        storage,
        anchor: new AnchorKeeper(options, { anchor: kept, storage, clock }),
        reports: { tell: (report) => this.reports.push(report) },
        clock,
      },
    );
    const { hardState } = storage.start;
    actor.receive({ kind: "begin", incarnation: storage.start.incarnation, hardState, promised });
    return actor;
  }
}

const log = logOf([1, 1, 1, 1, 1]);

describe("the log on disk", () => {
  it("nats-server #7564: what is reported as written survives the loss of power, without any later sync", () => {
    const bench = new LogBench();
    bench.write(log.slice(0, 3));
    expect(bench.reports.at(-1)).toEqual({ kind: "persisted", id: 1 });
    expect(bench.disk.unsyncedBatches).toBe(0);
    bench.crash();
    expect(bench.restart().last).toBe(3);
  });

  it("nats-server #3911: a write or truncation that fails ends the member; nothing more is done on that disk", () => {
    const bench = new LogBench();
    bench.write(log.slice(0, 3));
    bench.disk.failWrites(false);
    const before = bench.reports.length;
    const replaced = logOf([1, 1, 2, 2]);
    expect(() => bench.write(replaced.slice(2, 3), 3)).toThrow(StorageWriteError);
    expect(() => bench.write(replaced.slice(3))).toThrow(StorageWriteError);
    expect(bench.reports.slice(before)).toEqual([]);
    bench.crash();
    expect(bench.restart().last).toBe(3);
  });

  it("nats-server #7549: an entry of which a bit has changed is an error, never other bytes or a shorter log", async () => {
    const bench = new LogBench();
    bench.write(log);
    bench.crash();
    {
      await using store = new MemoryKeyValueStore(bench.disk);
      using rows = store.scan("log", Uint8Array.of(0), undefined);
      const row = rows.next()!;
      const changed = Uint8Array.from(row.value);
      changed[changed.length - 1]! ^= 1;
      const batch = store.batch();
      batch.put("log", row.key.slice(), changed);
      batch.write({ sync: true });
    }
    const readAll = (): unknown => {
      const storage = MemoryLogStorage.open(bench.disk);
      return storage.read(1 as LogIndex, 5 as LogIndex, 1 << 20);
    };
    expect(readAll).toThrow(expect.objectContaining({ code: "storage-corruption" }));
  });

  it("nats-server #7587, etcd #10951: a log that has become shorter is noticed, and the member repairs before it counts", () => {
    const bench = new LogBench();
    for (const entry of log) bench.write([entry]);
    bench.crash(2);
    const decision = bench.restart();
    expect(decision.last).toBeLessThan(5);
    expect(decision.promised).toMatchObject({ at: { term: 1, index: 5 } });
  });

  it("nats-server #7587: that is still known at later starts, while not all of it is there again", () => {
    const bench = new LogBench();
    for (const entry of log) bench.write([entry]);
    bench.crash(2);
    const { last } = bench.restart();
    for (const entry of log.slice(last, 4)) bench.write([entry]); // its leader has sent some of them
    bench.crash();
    expect(bench.restart()).toMatchObject({ last: 4, promised: { at: { index: 5 } } });
    bench.write(log.slice(4));
    bench.crash();
    expect(bench.restart()).toMatchObject({ last: 5, promised: undefined });
  });

  it("nats-server #7038: a directory that was emptied is not that of a new member", () => {
    const bench = new LogBench();
    bench.write(log);
    // The log was made anew, as if the disk had been replaced; the anchor tells what the member had promised.
    const empty = MemoryLogStorage.create(new MemoryLogDisk(), { identity, configuration: THREE });
    const anchor = anchorFindings(MemoryAnchor.open(bench.anchorDisk), empty);
    const position = { index: 0, term: 0 } as AppliedPosition;
    const decision = decideStart("here", { start: empty.start, anchor, position, membership: UNFOUNDED });
    expect(decision.promised).toMatchObject({ at: { index: 5 } });
    // And without the anchor a log that once had one is refused.
    const none = { record: undefined, damagedSlots: 0, inLog: undefined };
    const start = { ...empty.start, anchored: true };
    expect(() => decideStart("here", { start, anchor: none, position, membership: UNFOUNDED })).toThrow(
      /anchor/,
    );
  });
});

describe("members whose disks have lost something", () => {
  it("nats-server #7038: one that lost its log does not help to elect a member that lacks what it acknowledged", () => {
    const scene = new RaftScene("add-nodes 3", "campaign n1", "stabilize", "crash n3");
    scene.play("propose n1 acknowledged", "stabilize n1 n2", "drop"); // held by n1 and n2
    expect(scene.status("n1")).toContain("commit=2");
    scene.play("crash n2", "lose n2 count=2", "restart n2", "crash n1", "restart n3");
    // n1 is gone. n3 and n2 are a majority, and neither has the entry any more.
    for (let times = 0; times < 4; times += 1) scene.play("tick n2 n3 count=15", "stabilize n2 n3");
    expect([scene.status("n2"), scene.status("n3")].filter((line) => line.includes(" leader "))).toEqual([]);
    // With n1 the cluster goes on, and has the entry.
    scene.play("restart n1", "tick n1 count=10");
    for (let times = 0; times < 4; times += 1) scene.play("tick n1 count=5", "stabilize");
    expect(scene.status("n1")).toContain("leader");
    expect(linesWith(scene.play("raft-log n2 n3"), "2@1:acknowledged")).toHaveLength(2);
  });

  it("nats-server #7567: though all but one lost the end of their logs, the one is followed and nothing is missing", () => {
    const scene = new RaftScene("add-nodes 3", "campaign n1", "stabilize", "propose n1 a b c", "stabilize");
    scene.play("crash n1", "crash n2", "crash n3", "lose n1 count=3", "lose n2 count=2");
    scene.play("restart n1", "restart n2", "restart n3");
    for (let times = 0; times < 6; times += 1) scene.play("tick n1 n2 n3 count=5", "stabilize");
    expect(scene.status("n3")).toContain("leader");
    expect(linesWith(scene.play("raft-log n1 n2 n3"), "2@1:a 3@1:b 4@1:c")).toHaveLength(3);
    expect(scene.status("n1")).not.toContain("repairs");
  });
});
