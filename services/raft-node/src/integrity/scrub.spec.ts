import { VirtualTime } from "@quorate/actor";
import { utf8 } from "@quorate/base";
import { crcChainHash, type Entry, type LogIndex, type MemberId, type Term } from "@quorate/raft";
import { STATE_COLUMNS, type StateColumn } from "@quorate/state-machine";
import {
  MemoryKeyValueStore,
  MemoryLogDisk,
  MemoryLogStorage,
  StorageCorruptionError,
  type LogStorage,
} from "@quorate/storage";
import { LogPass } from "./log-pass";
import { Scrub, type ScrubPass, type ScrubReport } from "./scrub";
import { StatePass } from "./state-pass";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

function whole(pass: ScrubPass): { rows: number; bytes: number; steps: number } {
  const sum = { rows: 0, bytes: 0, steps: 0 };
  for (let read = pass.step(); read !== undefined; read = pass.step()) {
    sum.rows += read.rows;
    sum.bytes += read.bytes;
    sum.steps += 1;
  }
  return sum;
}

/** A log of `count` entries, each of `bytes` bytes. */
function logOf(count: number, bytes: number): { storage: LogStorage; entries: Entry[] } {
  const storage = MemoryLogStorage.create(new MemoryLogDisk(), {
    identity: {
      clusterId: 1n,
      clusterName: "c",
      memberId: 1n as MemberId,
      memberName: "n",
      directoryId: "d",
    },
    configuration: { incoming: [1n as MemberId], outgoing: [], learners: [] },
  });
  const entries: Entry[] = [];
  for (let index = 1; index <= count; index += 1) {
    const bare = {
      index: index as LogIndex,
      term: 1 as Term,
      type: "command",
      data: new Uint8Array(bytes),
    } as const;
    entries.push({ ...bare, chain: crcChainHash(entries.at(-1)?.chain ?? 0, bare) });
  }
  storage.append([{ entries, truncateFrom: undefined, hardState: undefined }]);
  return { storage, entries };
}

describe("a pass over the state", () => {
  it("reads every row of every column, some at a time", () => {
    const store = new MemoryKeyValueStore<StateColumn>(STATE_COLUMNS);
    const batch = store.batch();
    for (const column of STATE_COLUMNS) batch.put(column, utf8(column), new Uint8Array(10));
    for (let at = 0; at < 1100; at += 1) batch.put("latest", utf8(`row ${at}`), new Uint8Array(1));
    for (let at = 0; at < 3; at += 1) batch.put("event", utf8(`row ${at}`), new Uint8Array(200_000));
    batch.write({ sync: false });
    const { rows, steps } = whole(new StatePass(store));
    expect(rows).toBe(STATE_COLUMNS.length + 1103);
    expect(steps).toBeGreaterThan(STATE_COLUMNS.length + 2);
  });
});

describe("a pass over the log", () => {
  it.each([
    [1200, 10],
    [7, 300_000],
  ])("reads each of %d entries of %d bytes once", (count, bytes) => {
    const { storage } = logOf(count, bytes);
    expect(whole(new LogPass(storage))).toMatchObject({ rows: count, bytes: count * bytes });
  });

  it("goes on where the log begins now, and ends where it does", () => {
    const { storage, entries } = logOf(1200, 10);
    const pass = new LogPass(storage);
    pass.step();
    storage.compact(700 as LogIndex, { incoming: [], outgoing: [], learners: [] }, 10_000);
    const rewritten = entries.slice(899).map((entry) => ({ ...entry, term: 2 as Term }));
    let chain = entries[898]!.chain;
    for (const entry of rewritten) entry.chain = chain = crcChainHash(chain, entry);
    storage.append([{ entries: rewritten, truncateFrom: 900 as LogIndex, hardState: undefined }]);
    expect(whole(pass).rows).toBe(500);
  });

  it("finds an entry that is sound by itself and does not continue the one before it", () => {
    const { storage, entries } = logOf(10, 10);
    const strange = { ...entries[9]!, chain: 1 };
    storage.append([{ entries: [strange], truncateFrom: 10 as LogIndex, hardState: undefined }]);
    expect(() => whole(new LogPass(storage))).toThrow(StorageCorruptionError);
  });
});

describe("Scrub", () => {
  function build(steps: number, bytes = steps * 128_000) {
    const time = new VirtualTime();
    const reports: ScrubReport[] = [];
    const began: number[] = [];
    const begin = (): ScrubPass => {
      began.push(time.now());
      let left = steps;
      return { step: () => ((left -= 1) >= 0 ? { rows: 2, bytes: 100 } : undefined) };
    };
    const scrub = new Scrub(
      { database: "state", intervalMs: DAY_MS },
      { begin, bytes: () => bytes, reports: { tell: (report) => reports.push(report) }, clock: time },
    );
    return { time, reports, began, scrub };
  }

  it("takes about half of the interval for a pass, and begins the next one when it is over", () => {
    const { time, reports, began } = build(1000);
    time.advance(DAY_MS - HOUR_MS);
    expect(reports).toEqual([{ kind: "scrubbed", database: "state", rows: 2000, bytes: 100_000, tookMs: expect.any(Number) }]); // prettier-ignore
    expect(reports[0]!.tookMs).toBeGreaterThan(10 * HOUR_MS);
    expect(reports[0]!.tookMs).toBeLessThan(14 * HOUR_MS);
    expect(began).toHaveLength(1);
    time.advance(2 * HOUR_MS);
    expect(began).toHaveLength(2);
  });

  it("never takes the thread for itself, however late it is", () => {
    const { time, reports } = build(10 ** 5, 10 ** 15);
    time.advance(5 * 10 ** 5 - 100);
    expect(reports).toEqual([]);
  });

  it("reads nothing while its database is replaced, and the next one from its beginning", () => {
    const { time, reports, began, scrub } = build(1000);
    time.advance(HOUR_MS);
    scrub.pause();
    time.advance(DAY_MS);
    expect([began.length, reports.length]).toEqual([1, 0]);
    scrub.resume();
    time.advance(DAY_MS);
    expect(began.length).toBeGreaterThan(1);
    expect(reports[0]).toMatchObject({ rows: 2000 });
  });
});
