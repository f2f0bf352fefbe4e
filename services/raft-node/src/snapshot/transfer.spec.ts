import { VirtualTime } from "@quorate/actor";
import { seededPrng, utf8 } from "@quorate/base";
import type { LogIndex, MemberId, Term } from "@quorate/raft";
import { STATE_COLUMNS, type StateColumn } from "@quorate/state-machine";
import { MemorySnapshotStorage, MemoryStatePlace } from "@quorate/storage";
import { SILENT_LOGGER } from "@quorate/telemetry";
import { MemoryNetwork } from "@quorate/transport";
import {
  decodeSnapshotChunk,
  encodeSnapshotChunk,
  etcdserverpb,
  parseClusterName,
  Subjects,
  decodeCommandBatch,
  encodeCommandBatch,
} from "@quorate/wire";
import { AppliedState } from "./applied-state";
import { SnapshotDoor } from "./snapshot-door";
import { SnapshotFetcher } from "./snapshot-fetcher";
import { SnapshotLane } from "./snapshot-lane";
import type { SnapshotMessage, SnapshotReport } from "./snapshot-messages";

const [SENDER, RECEIVER] = [0xa1n as MemberId, 0xa2n as MemberId];
const CLUSTER = 0xc1n;
const TRANSFER = 7;

/** Two members with a network between them; the receiver believes to be told of a snapshot at `index`. */
function build(options: { readonly rows: number; readonly tamper?: (chunk: Uint8Array) => Uint8Array }) {
  const time = new VirtualTime();
  const network = new MemoryNetwork({}, { clock: time, scheduler: time, prng: seededPrng(1) });
  const subjects = new Subjects(parseClusterName("c"));
  const lane = (name: string, reports: (report: SnapshotReport) => void) => {
    const storage = new MemorySnapshotStorage(
      new MemoryStatePlace<StateColumn>(STATE_COLUMNS),
      0 as LogIndex,
    );
    const state = new AppliedState({ storage });
    const snapshots = new SnapshotLane(
      { chunkBytesMax: 100, windowChunks: 8 },
      { state, reports: { tell: reports }, clock: time },
    );
    const tell = (message: SnapshotMessage): void => snapshots.receive(message, () => undefined);
    return { state, tell, transport: network.connect(name) };
  };

  const sent: SnapshotReport[] = [];
  const sender = lane("sender", (report) => {
    sent.push(report);
    if (report.kind !== "snapshot-chunk") return;
    const { chunk } = report;
    door.report({ ...report, chunk: chunk && options.tamper ? options.tamper(chunk) : chunk });
  });
  const identity = { clusterId: CLUSTER, requestsMax: 64 };
  const door = new SnapshotDoor(
    { ...identity, memberId: SENDER },
    { transport: sender.transport, subjects, applier: { tell: sender.tell } },
  );
  door.open();

  const outcomes: string[] = [];
  const receiver = lane("receiver", (report) => {
    if (
      report.kind === "snapshot-written" ||
      report.kind === "snapshot-staged" ||
      report.kind === "snapshot-rejected"
    )
      fetcher.report(report);
  });
  const fetcher = new SnapshotFetcher(
    {
      clusterId: CLUSTER,
      memberId: RECEIVER,
      windowChunks: 8,
      bytesPerSecondMax: 100_000,
      answerMs: 200,
      giveUpMs: 3000,
    },
    {
      transport: receiver.transport,
      subjects,
      clock: time,
      logger: SILENT_LOGGER,
      applier: { tell: receiver.tell },
      raft: { tell: ({ kind }) => outcomes.push(kind) },
    },
  );
  put(sender.state, 1, options.rows);
  const fetch = (): void => {
    sender.tell({ kind: "snapshot-open", to: RECEIVER, transfer: TRANSFER });
    const { index, term } = sender.state.stateMachine.position;
    const configuration = { incoming: [SENDER, RECEIVER], outgoing: [], learners: [] };
    const snapshot = { index: index as LogIndex, term: term as Term, chain: 5, configuration };
    fetcher.fetch({ kind: "fetch-snapshot", from: SENDER, transfer: TRANSFER, snapshot });
  };
  return { time, network, sender, receiver, fetcher, fetch, outcomes, sent };
}

function put(state: AppliedState, index: number, count: number): void {
  const bytes = (at: number): Uint8Array =>
    etcdserverpb.PutRequest.encode({
      key: utf8(`k${at}`),
      value: utf8(`${index} ${"v".repeat(at % 50)}`),
    }).finish();
  const commands = decodeCommandBatch(
    encodeCommandBatch(Array.from({ length: count }, (_, at) => ({ kind: "put", bytes: bytes(at) }))),
  );
  const batch = state.store.batch();
  state.stateMachine.apply([{ index, term: 1, commands }], batch);
  batch.write({ sync: false });
}

function found(state: AppliedState, index: number, members: readonly MemberId[]): void {
  const change = {
    kind: "found",
    clusterId: CLUSTER,
    members: members.map((id) => ({ id, name: "", peerUrls: [], clientUrls: [] })),
  } as const;
  const batch = state.store.batch();
  const commands = [{ kind: "membership", request: { changeId: 0n, change } }] as const;
  state.stateMachine.apply([{ index, term: 1, commands }], batch);
  batch.write({ sync: false });
}

function rowsOf(state: AppliedState): string[] {
  return STATE_COLUMNS.flatMap((column) => {
    using rows = state.store.scan(column, new Uint8Array(0), undefined);
    const found: string[] = [];
    for (let row = rows.next(); row !== undefined; row = rows.next())
      found.push(
        `${column} ${Buffer.from(row.key).toString("hex")} ${Buffer.from(row.value).toString("hex")}`,
      );
    return found;
  });
}

describe("a snapshot on its way", () => {
  it("brings the rows of one moment, although the state moves on meanwhile", () => {
    const { time, sender, receiver, fetch, outcomes } = build({ rows: 200 });
    const before = rowsOf(sender.state);
    fetch();
    time.advance(50);
    put(sender.state, 2, 100);
    expect(outcomes).toEqual([]);
    time.advance(5000);
    expect(outcomes).toEqual(["snapshot-staged"]);
    receiver.tell({ kind: "snapshot-install", index: 1 as LogIndex });
    expect(rowsOf(receiver.state)).toEqual(before);
    expect(receiver.state.stateMachine.position).toMatchObject({ index: 1, revision: 201 });
  });

  it("goes on from the last chunk that came, after losses, disorder and a lost connection", () => {
    const { time, network, sender, receiver, fetch, outcomes, sent } = build({ rows: 300 });
    network.faults.setEverywhere({
      delayMs: { min: 0, max: 5 },
      lossChance: 0.2,
      duplicateChance: 0.2,
      reorderChance: 0.2,
      reorderMs: 50,
    });
    fetch();
    time.advance(300);
    network.disconnect("receiver");
    time.advance(1000);
    network.reconnect("receiver");
    time.advance(60_000);
    expect(outcomes).toEqual(["snapshot-staged"]);
    receiver.tell({ kind: "snapshot-install", index: 1 as LogIndex });
    expect(rowsOf(receiver.state)).toEqual(rowsOf(sender.state));
    const chunks = new Set(
      sent.flatMap((report) => (report.kind === "snapshot-chunk" ? [report.chunk] : [])),
    );
    expect(sent.length).toBeLessThan(chunks.size * 3);
  });

  it("keeps to its rate", () => {
    const { time, sender, fetch, outcomes } = build({ rows: 2000 });
    const bytes = rowsOf(sender.state).join("").length / 2;
    fetch();
    time.advance((bytes / 100_000) * 1000 * 0.5);
    expect(outcomes).toEqual([]);
    time.advance(60_000);
    expect(outcomes).toEqual(["snapshot-staged"]);
  });

  it.each<[string, (chunk: Uint8Array) => Uint8Array]>([
    ["a changed row", (chunk) => changed(chunk, (rows) => void (rows[rows.length - 1]! ^= 1))],
    [
      "a changed value of which nothing else tells",
      (chunk) => inFirstChunk(chunk, (rows) => void (rows[rows.length - 1]! ^= 1)),
    ],
    ["a chunk that is cut", (chunk) => chunk.subarray(0, chunk.length - 3)],
    ["another effect hash", (chunk) => withSummary(chunk, { effectHash: 1 })],
    ["another count of rows", (chunk) => withSummary(chunk, { rows: 1 })],
  ])("is given up for %s", (_what, tamper) => {
    const { time, receiver, fetch, outcomes } = build({ rows: 100, tamper });
    fetch();
    time.advance(10_000);
    expect(outcomes).toEqual(["snapshot-failed"]);
    expect(rowsOf(receiver.state)).toEqual([]);
  });

  it("is given up if its rows name other members than its leader has", () => {
    const { time, sender, fetch, outcomes } = build({ rows: 10 });
    found(sender.state, 2, [SENDER]);
    fetch();
    time.advance(10_000);
    expect(outcomes).toEqual(["snapshot-failed"]);
  });

  it("is given up when its sender does not hold it, or says nothing for long", () => {
    const { time, network, sender, fetch, outcomes } = build({ rows: 500 });
    fetch();
    sender.tell({ kind: "snapshot-close", to: RECEIVER, transfer: TRANSFER });
    time.advance(1000);
    expect(outcomes).toEqual(["snapshot-failed"]);
    fetch();
    network.faults.cut("sender", "receiver");
    time.advance(10_000);
    expect(outcomes).toEqual(["snapshot-failed", "snapshot-failed"]);
  });

  it("waits until its sender has a view to spare, and takes nobody else's", () => {
    const { sender, sent } = build({ rows: 10 });
    const others = [0xa3n, 0xa4n] as MemberId[];
    others.forEach((to, at) => sender.tell({ kind: "snapshot-open", to, transfer: at }));
    sent.splice(0);
    sender.tell({ kind: "snapshot-open", to: RECEIVER, transfer: TRANSFER });
    expect(sent).toEqual([{ kind: "snapshot-closed", to: RECEIVER, transfer: TRANSFER }]);
    sender.tell({ kind: "snapshot-close", to: others[0]!, transfer: 0 });
    sender.tell({ kind: "snapshot-open", to: RECEIVER, transfer: TRANSFER + 1 });
    expect(sent.map(({ kind }) => kind)).toEqual(["snapshot-closed", "snapshot-opened"]);
  });

  it("is let go by its sender when nobody reads it any more", () => {
    const { time, sender, sent } = build({ rows: 10 });
    sender.tell({ kind: "snapshot-open", to: RECEIVER, transfer: TRANSFER });
    time.advance(60_000);
    expect(sent.map(({ kind }) => kind)).toEqual(["snapshot-opened", "snapshot-closed"]);
  });
});

function changed(bytes: Uint8Array, change: (rows: Uint8Array) => void): Uint8Array {
  const chunk = decodeSnapshotChunk(bytes);
  if (chunk === "gone") return bytes;
  const rows = Uint8Array.from(chunk.rows);
  change(rows);
  return encodeSnapshotChunk({ ...chunk, rows });
}

function inFirstChunk(bytes: Uint8Array, change: (rows: Uint8Array) => void): Uint8Array {
  const chunk = decodeSnapshotChunk(bytes);
  return chunk === "gone" || chunk.sequence > 0 ? bytes : changed(bytes, change);
}

function withSummary(bytes: Uint8Array, change: object): Uint8Array {
  const chunk = decodeSnapshotChunk(bytes);
  if (chunk === "gone" || chunk.summary === undefined) return bytes;
  return encodeSnapshotChunk({ ...chunk, summary: { ...chunk.summary, ...change } });
}
