import { VirtualTime } from "@quorate/actor";
import { utf8 } from "@quorate/base";
import type { Entry, LogIndex, MemberId, Term } from "@quorate/raft";
import { STATE_COLUMNS, type StateColumn } from "@quorate/state-machine";
import { MemoryDisk, MemoryKeyValueStore, MemorySnapshotStorage, MemoryStatePlace } from "@quorate/storage";
import {
  decodeProposeResponse,
  decodeReadResponse,
  encodeCommandBatch,
  encodeReadRequest,
  etcdserverpb,
  saturatingNumber,
  type RawCommand,
} from "@quorate/wire";
import { AppliedState } from "../snapshot/applied-state";
import { SnapshotLane } from "../snapshot/snapshot-lane";
import { ApplierActor, type ApplierReport } from "./applier-actor";

const TERM = 3 as Term;

function build(place = new MemoryStatePlace<StateColumn>(STATE_COLUMNS)) {
  const time = new VirtualTime();
  const state = new AppliedState({ storage: new MemorySnapshotStorage(place, 0 as LogIndex) });
  const reports: ApplierReport[] = [];
  const shared = { reports: { tell: (report: ApplierReport) => reports.push(report) }, clock: time };
  const snapshots = new SnapshotLane({ chunkBytesMax: 100, windowChunks: 4 }, { state, ...shared });
  const actor = new ApplierActor(
    {
      clusterId: 0xcn,
      memberId: 0xa1n as MemberId,
      background: { stepWork: 2, stepPauseMs: 10 },
      syncEntries: 100,
      syncBytes: 10_000,
      sliceBytesMax: 200,
      sliceRowsMax: 5,
    },
    { state, snapshots, ...shared },
  );
  return { actor, reports, time, place, disk: place.disk };
}

function put(key: string, value: string): RawCommand {
  return {
    kind: "put",
    bytes: etcdserverpb.PutRequest.encode({ key: utf8(key), value: utf8(value) }).finish(),
  };
}

function compact(revision: number, physical: boolean): RawCommand {
  return { kind: "compact", bytes: etcdserverpb.CompactionRequest.encode({ revision, physical }).finish() };
}

function entry(index: number, commands: readonly RawCommand[] | Uint8Array): Entry {
  const data = commands instanceof Uint8Array ? commands : encodeCommandBatch(commands);
  return { index: index as LogIndex, term: TERM, type: "command", chain: 0, data };
}

function apply(
  actor: ApplierActor,
  entries: readonly Entry[],
  indexes: readonly number[] = [],
  answerAs?: MemberId,
): void {
  const answered = indexes.map((index) => ({ index: index as LogIndex, answerAs }));
  actor.receive({ kind: "apply", raftTerm: TERM, entries, answered });
}

function read(actor: ApplierActor, id: number, minIndex: number, key: string): void {
  const bytes = etcdserverpb.RangeRequest.encode({ key: utf8(key) }).finish();
  const request = encodeReadRequest({ reads: [{ kind: "range", bytes }], serializable: false });
  actor.receive({ kind: "read", id, minIndex: minIndex as LogIndex, raftTerm: TERM, request });
}

function kinds(reports: readonly ApplierReport[]): string[] {
  return reports.map((report) => report.kind);
}

describe("ApplierActor", () => {
  it.each<[string, Entry["type"], readonly number[]]>([
    ["command", "command", [0x0a, 4, 0x7a, 2, 1, 2]],
    ["membership change", "configuration", [0xfa, 0x07, 0]],
  ])("stops at a %s that only newer builds know, with nothing of the turn written", (_what, type, bytes) => {
    const { actor, disk } = build();
    apply(actor, [entry(1, [put("a", "1")]), { ...entry(2, Uint8Array.from(bytes)), type }]);
    expect(() => actor.turnEnded()).toThrow(expect.objectContaining({ code: "unsupported-version" }));
    expect(disk.unsyncedBatches).toBe(0);
  });

  it("applies the entries of a turn in one batch, and answers only those that are owed an answer", () => {
    const { actor, reports, disk } = build();
    apply(actor, [entry(1, [put("a", "1")]), entry(2, [put("b", "2"), put("c", "3")])], [2]);
    apply(actor, [entry(3, [put("a", "4")])]);
    expect(reports).toEqual([]);
    actor.turnEnded();
    expect(kinds(reports)).toEqual(["answers", "applied"]);
    expect(disk.unsyncedBatches).toBe(1);
    const [answers, applied] = reports;
    expect(applied).toMatchObject({ position: { index: 3, term: 3, revision: 5 } });
    if (answers?.kind !== "answers") throw new Error("no answers");
    expect(answers.answers.map(({ index, term }) => [index, term])).toEqual([[2, 3]]);
    const response = decodeProposeResponse(answers.answers[0]!.response);
    if (response.kind !== "results") throw new Error("no results");
    const revisions = response.results.map((result) => {
      if (!result.ok) throw new Error("a put failed");
      return saturatingNumber(etcdserverpb.PutResponse.decode(result.bytes).header!.revision!);
    });
    expect(revisions).toEqual([3, 4]);
  });

  it("says that what it applied is durable only when a power loss takes nothing of it any more", () => {
    const { actor, reports, disk } = build();
    const count = 100; // a sync is due
    apply(
      actor,
      Array.from({ length: count }, (_, at) => entry(at + 1, [put("a", `${at}`)])),
    );
    actor.turnEnded();
    expect(reports.at(-1)).toEqual({ kind: "applied-durably", index: count });
    expect(disk.unsyncedBatches).toBe(0);
  });

  it("lets a read wait until its index is applied", () => {
    const { actor, reports } = build();
    read(actor, 7, 2, "a");
    apply(actor, [entry(1, [put("a", "old")])]);
    actor.turnEnded();
    expect(kinds(reports)).toEqual(["applied"]);
    apply(actor, [entry(2, [put("a", "new")])]);
    actor.turnEnded();
    const result = reports.at(-1);
    if (result?.kind !== "read-result") throw new Error("no result");
    const response = decodeReadResponse(result.response);
    if (response.kind !== "results" || !response.results[0]?.ok) throw new Error("no results");
    expect(result.id).toBe(7);
    expect(etcdserverpb.RangeResponse.decode(response.results[0].bytes).kvs[0]?.value).toEqual(
      Buffer.from("new"),
    );
  });

  it("answers in the name of the member that a gateway stands for, of several at a time", () => {
    const { actor, reports } = build();
    apply(actor, [entry(1, [put("a", "1")])], [1], 7n as MemberId);
    apply(actor, [entry(2, [put("a", "2")])], [2]);
    actor.turnEnded();
    const [answers] = reports;
    if (answers?.kind !== "answers") throw new Error("no answers");
    const named = answers.answers.map(({ response }) => {
      const decoded = decodeProposeResponse(response);
      if (decoded.kind !== "results" || !decoded.results[0]?.ok) throw new Error("no results");
      return etcdserverpb.PutResponse.decode(decoded.results[0].bytes).header?.memberId;
    });
    expect(named.map(String)).toEqual(["7", String(0xa1)]);
    const bytes = etcdserverpb.RangeRequest.encode({ key: utf8("a") }).finish();
    const request = encodeReadRequest({
      reads: [{ kind: "range", bytes }],
      serializable: true,
      answerAs: 8n as MemberId,
    });
    actor.receive({ kind: "read", id: 1, minIndex: 0 as LogIndex, raftTerm: TERM, request });
    actor.turnEnded();
    const result = reports.at(-1);
    if (result?.kind !== "read-result") throw new Error("no result");
    const response = decodeReadResponse(result.response);
    if (response.kind !== "results" || !response.results[0]?.ok) throw new Error("no results");
    const { header } = etcdserverpb.RangeResponse.decode(response.results[0].bytes);
    expect(String(header?.memberId)).toBe("8");
  });

  it("moves on over an entry that cannot be decoded, without effect and without results", () => {
    const { actor, reports } = build();
    apply(actor, [entry(1, Uint8Array.of(0xff))], [1]);
    actor.turnEnded();
    const [answers, applied] = reports;
    expect(applied).toMatchObject({ position: { index: 1, revision: 1 } });
    if (answers?.kind !== "answers") throw new Error("no answers");
    expect(decodeProposeResponse(answers.answers[0]!.response)).toEqual({ kind: "results", results: [] });
  });

  it("answers a physical compaction at once too: batches of writes wait for nobody", () => {
    const { actor, reports } = build();
    apply(
      actor,
      [entry(1, [put("a", "1"), put("a", "2")]), entry(2, [compact(3, true), put("b", "3")])],
      [2],
    );
    actor.turnEnded();
    expect(kinds(reports)).toEqual(["answers", "applied"]);
  });

  it("tells after each step of compaction how much is stored then", () => {
    const { actor, reports, time } = build();
    apply(
      actor,
      [1, 2, 3, 4, 5, 6].map((index) => entry(index, [put("a", `${index}`)])),
    );
    apply(actor, [entry(7, [compact(6, false)])]);
    actor.turnEnded();
    time.advance(200);
    const sizes = reports.flatMap((report) => ("condition" in report ? [report.condition.storedBytes] : []));
    expect(sizes.length).toBeGreaterThan(2);
    expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
    expect(sizes.at(-1)).toBeLessThan(sizes[0]!);
  });

  it("answers a logical compaction at once, and goes on with an interrupted one after a restart", () => {
    const first = build();
    apply(
      first.actor,
      [1, 2, 3, 4, 5, 6].map((index) => entry(index, [put("a", `${index}`)])),
    );
    apply(first.actor, [entry(7, [compact(6, false)])], [7]);
    first.actor.turnEnded();
    expect(kinds(first.reports)).toEqual(["answers", "applied"]);
    first.disk.crash(first.disk.unsyncedBatches);
    const rows = (): number => [...countRows(first.disk)].length;
    const before = rows();
    const second = build(first.place);
    second.time.advance(500);
    second.disk.crash(second.disk.unsyncedBatches);
    expect(rows()).toBeLessThan(before);
  });
});

function* countRows(disk: MemoryDisk<StateColumn>): Generator<Uint8Array> {
  const store = new MemoryKeyValueStore<StateColumn>(disk);
  using rows = store.scan("history", new Uint8Array(0), undefined);
  for (let row = rows.next(); row !== undefined; row = rows.next()) yield row.key;
  disk.crash(disk.unsyncedBatches); // releases it
}
