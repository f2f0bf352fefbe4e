import { NewestRevision } from "./newest-revision";
import { Bench, memberId } from "../testing/bench";
import { refuse, responseAt, ScriptedNode } from "../testing/scripted-node";
import { ReadTargets, type ReadTargetsOptions } from "./read-targets";
import { LINEARIZABLE_READ, Reader, SERIALIZABLE_READ, type ReaderOptions } from "./reader";

const OPTIONS: ReaderOptions = {
  question: LINEARIZABLE_READ,
  batchesInFlightMax: 4,
  queue: { callsMax: 100, bytesMax: 1 << 20, batchCallsMax: 10, batchBytesMax: 1 << 20 },
  attemptMs: 500,
  attemptMsMax: 4000,
  backOff: { firstMs: 10, maxMs: 500 },
};

function start(
  options: Partial<ReaderOptions> = {},
  targets: Partial<ReadTargetsOptions> = {},
): { bench: Bench; reader: Reader; nodes: ScriptedNode[] } {
  const bench = new Bench();
  const nodes = bench.nodes(3);
  const { transport, subjects, time, directory, tracker } = bench;
  const reader = new Reader(
    { ...OPTIONS, ...options },
    {
      transport,
      subjects,
      clock: time,
      scheduler: time,
      answerAs: () => memberId(3),
      newest: new NewestRevision(),
      targets: new ReadTargets(
        { preference: "spread", homeMember: undefined, learners: false, avoidMs: 1000, ...targets },
        { directory, tracker, clock: time },
      ),
    },
  );
  nodes[0]!.leads(5);
  for (const node of nodes.slice(1)) node.follows(memberId(1), 5);
  bench.time.advance(300); // the directory has asked for the members
  return { bench, reader, nodes };
}

function readsOf(nodes: readonly ScriptedNode[]): number[] {
  return nodes.map(({ reads }) => reads.length);
}

describe("Reader", () => {
  it("sends all calls of one turn to one member and hands each its own response", () => {
    const { bench, reader, nodes } = start();
    const ranges = ["a", "b", "c"].map((key) => bench.range(key));
    for (const { call } of ranges) reader.tell(call);
    bench.settle();
    expect(readsOf(nodes).sort()).toEqual([0, 0, 1]);
    expect(nodes.flatMap(({ reads }) => reads)).toMatchObject([{ serializable: false }]);
    expect(ranges.map(({ seen }) => seen)).toEqual(
      [2, 3, 4].map((revision) => ({ ok: responseAt(revision) })),
    );
  });

  it("spreads batches over the members", () => {
    const { bench, reader, nodes } = start();
    for (let at = 0; at < 9; at += 1) {
      reader.tell(bench.range("a").call);
      bench.settle();
    }
    expect(readsOf(nodes)).toEqual([3, 3, 3]);
  });

  it("asks the leader only, if told to prefer it", () => {
    const { bench, reader, nodes } = start({}, { preference: "leader" });
    for (let at = 0; at < 3; at += 1) {
      reader.tell(bench.range("a").call);
      bench.settle();
    }
    expect(readsOf(nodes)).toEqual([3, 0, 0]);
  });

  it("asks the home member first for serializable reads, and any other if that one is gone", () => {
    const { bench, reader, nodes } = start(
      { question: SERIALIZABLE_READ },
      { preference: "home", homeMember: memberId(2) },
    );
    reader.tell(bench.range("a").call);
    bench.settle();
    expect(readsOf(nodes)).toEqual([0, 1, 0]);
    expect(nodes[1]!.reads[0]).toMatchObject({ serializable: true, answerAs: 3n });
    bench.network.crash("node-2");
    const range = bench.range("b");
    reader.tell(range.call);
    bench.time.advance(10);
    expect(range.seen).toEqual({ ok: responseAt(2) });
  });

  it("tries another member after a refusal", () => {
    const { bench, reader, nodes } = start();
    for (const node of nodes.slice(0, 2)) node.read = () => refuse("not-confirmed", 5, undefined);
    const range = bench.range("a");
    reader.tell(range.call);
    bench.time.advance(100);
    expect(range.seen).toEqual({ ok: responseAt(2) });
    expect(nodes[2]!.reads).toHaveLength(1);
  });

  it("tries another member after half a second of silence, and leaves the silent one alone for a while", () => {
    const { bench, reader, nodes } = start({}, { preference: "home", homeMember: memberId(1) });
    nodes[0]!.read = () => undefined;
    const range = bench.range("a");
    reader.tell(range.call);
    bench.time.advance(499);
    expect(range.seen).toBeUndefined();
    bench.time.advance(20);
    expect(range.seen).toEqual({ ok: responseAt(2) });
    reader.tell(bench.range("b").call);
    bench.settle();
    expect(nodes[0]!.reads).toHaveLength(1);
  });

  it("gives later attempts more time, for answers that just take long", () => {
    const { bench, reader, nodes } = start();
    for (const node of nodes) node.read = () => undefined;
    reader.tell(bench.range("a").call);
    bench.time.advance(500 + 10 + 999);
    expect(readsOf(nodes).reduce((a, b) => a + b)).toBe(2);
    bench.time.advance(1 + 20);
    expect(readsOf(nodes)).toEqual([1, 1, 1]);
  });

  it("answers as timed out, without doubt about an effect, when nobody could read until the deadline", () => {
    const { bench, reader, nodes } = start();
    for (const node of nodes) node.read = () => refuse("not-confirmed", 5, undefined);
    const range = bench.range("a", 2000);
    reader.tell(range.call);
    bench.time.advance(1990);
    expect(range.seen).toBeUndefined();
    bench.time.advance(20);
    expect(range.seen).toEqual({ code: "timeout", unknown: false });
    bench.time.advance(1000);
    expect(reader.idle).toBe(true);
  });

  it("survives a lost connection", () => {
    const { bench, reader } = start();
    bench.network.disconnect("gateway");
    const range = bench.range("a");
    reader.tell(range.call);
    bench.time.advance(1000);
    expect(range.seen).toBeUndefined();
    bench.network.reconnect("gateway");
    bench.time.advance(1000);
    expect(range.seen).toEqual({ ok: responseAt(2) });
  });

  it("has several batches in flight, and refuses what does not fit the queue behind them", () => {
    const { bench, reader, nodes } = start({
      batchesInFlightMax: 2,
      queue: { ...OPTIONS.queue, callsMax: 1 },
    });
    for (const node of nodes) node.read = () => undefined;
    const ranges = ["a", "b", "c", "d"].map((key) => bench.range(key));
    for (const { call } of ranges) {
      reader.tell(call);
      bench.settle();
    }
    expect(readsOf(nodes).reduce((a, b) => a + b)).toBe(2);
    expect(ranges[2]!.seen).toBeUndefined();
    expect(ranges[3]!.seen).toEqual({ code: "too-many-requests", unknown: false });
  });

  it("asks whoever leads, also when the list of members is from before all of those were replaced", async () => {
    const { bench, reader, nodes } = start();
    const fourth = new ScriptedNode(
      { member: memberId(4) },
      { transport: bench.connect("node-4"), subjects: bench.subjects },
    );
    for (const node of nodes) await node.disconnect();
    fourth.leads(6);
    bench.settle();
    const range = bench.range("a", 1000);
    reader.tell(range.call);
    bench.time.advance(500);
    expect(range.seen).toEqual({ ok: responseAt(2) });
  });

  it("answers everything that waits when it closes", () => {
    const { bench, reader, nodes } = start();
    for (const node of nodes) node.read = () => undefined;
    const range = bench.range("a");
    reader.tell(range.call);
    bench.settle();
    reader.close();
    expect(range.seen).toEqual({ code: "stopped", unknown: false });
    expect(reader.idle).toBe(true);
  });
});
