import { VirtualTime } from "@quorate/actor";
import { utf8 } from "@quorate/base";
import { etcdserverpb, saturatingNumber } from "@quorate/wire";
import { CURRENT, SlicedStore } from "../testing/sliced-store";
import { testGateway } from "../testing/test-gateway";
import { startRangeStream, type ChunkSink } from "./range-stream-api";
import type { RequestFailure } from "./request-failure";

const CONTEXT = { timeoutMs: Infinity, requireLeader: false };
type Request = etcdserverpb.RangeRequest.$Properties;

function build(keys: number, keysAtOnce = 30) {
  const time = new VirtualTime();
  const { gateway, nodes } = testGateway({ clock: time, scheduler: time }, { readPreference: "leader" });
  const store = new SlicedStore(
    Array.from({ length: keys }, (_, at) => `k${String(at).padStart(5, "0")}`),
    keysAtOnce,
  );
  for (const node of nodes) node.read = store.read;
  nodes[0].leads(5);
  time.advance(1000);
  store.asked.length = 0;
  const open = (request: Request, room = Infinity) => {
    const chunks: etcdserverpb.RangeResponse.$Properties[] = [];
    const seen: { ended: boolean; failure: RequestFailure | undefined; room: number } = {
      ended: false,
      failure: undefined,
      room,
    };
    const sink: ChunkSink = {
      write: (chunk) => {
        chunks.push(etcdserverpb.RangeStreamResponse.decode(chunk).rangeResponse!);
        return chunks.length < seen.room;
      },
      end: () => (seen.ended = true),
      fail: (failure) => (seen.failure = failure),
    };
    const bytes = etcdserverpb.RangeRequest.encode({
      key: utf8("k"),
      rangeEnd: utf8("l"),
      ...request,
    }).finish();
    const stream = startRangeStream(bytes, CONTEXT, { kv: gateway.kv, sink });
    time.advance(5000);
    return { chunks, seen, stream };
  };
  return { open, store, time, nodes };
}

function sizes(chunks: readonly etcdserverpb.RangeResponse.$Properties[]): number[] {
  return chunks.map((chunk) => chunk.kvs?.length ?? 0);
}

describe("RangeStream", () => {
  it("sends what a node answers at once, at one revision; only the last chunk says how much there was", () => {
    const { open, store } = build(75);
    const { chunks, seen } = open({});
    expect(sizes(chunks)).toEqual([30, 30, 15]);
    expect(seen).toMatchObject({ ended: true, failure: undefined });
    expect(chunks.slice(0, -1).every(({ header, more, count }) => !header && !more && !Number(count))).toBe(
      true,
    );
    const last = chunks.at(-1)!;
    expect([saturatingNumber(last.header!.revision!), saturatingNumber(last.count!), last.more]).toEqual([
      CURRENT,
      75,
      false,
    ]);
    expect(store.asked).toEqual([
      "slice k limit=0 rev=0",
      "slice k00029+ limit=0 rev=500 stale",
      "slice k00059+ limit=0 rev=500 stale",
    ]);
  });

  it("keeps to the limit, says that there is more, and counts what lies behind it", () => {
    const { open, store } = build(75);
    const { chunks } = open({ limit: 40 });
    expect(sizes(chunks)).toEqual([30, 10, 0]);
    expect(chunks.at(-1)).toMatchObject({ more: true });
    expect(saturatingNumber(chunks.at(-1)!.count!)).toBe(75);
    expect(store.asked.slice(1)).toEqual([
      "slice k00029+ limit=10 rev=500 stale",
      "slice count k00059+ limit=0 rev=500 stale",
    ]);
  });

  it("looks for one more key if a part ends just at the limit", () => {
    for (const [keys, more] of [
      [30, false],
      [31, true],
    ] as const) {
      const { chunks } = build(keys).open({ limit: 30 });
      expect(sizes(chunks)).toEqual([30, 0]);
      expect(chunks.at(-1)).toMatchObject({ more });
      expect(saturatingNumber(chunks.at(-1)!.count!)).toBe(keys);
    }
  });

  it("sends one chunk for a count, and for nothing", () => {
    expect(build(75).open({ countOnly: true }).chunks).toMatchObject([{ kvs: [], more: false }]);
    expect(sizes(build(0).open({}).chunks)).toEqual([0]);
  });

  it("waits while the client does not read, and asks no node meanwhile", () => {
    const { open, store, time } = build(75);
    const { chunks, seen, stream } = open({}, 1);
    expect([sizes(chunks), store.asked.length, seen.ended]).toEqual([[30], 1, false]);
    seen.room = Infinity;
    stream!.resume();
    time.advance(5000);
    expect([sizes(chunks), seen.ended]).toEqual([[30, 30, 15], true]);
  });

  it("stops asking once the client has gone", () => {
    const { open, store, time } = build(75);
    const { stream } = open({}, 1);
    stream!.abandon();
    stream!.resume();
    time.advance(5000);
    expect(store.asked).toHaveLength(1);
  });

  it("asks for a confirmed part if the member that answers is behind the pinned revision", () => {
    const { open, store, nodes } = build(35);
    for (const node of nodes) {
      node.read = (read) =>
        read.serializable && store.asked.length > 0
          ? { kind: "results", results: [{ ok: false, failure: { code: "future-revision", detail: "" } }] }
          : store.read(read);
    }
    const { chunks } = open({ serializable: true });
    expect(sizes(chunks)).toEqual([30, 5]);
    expect(store.asked).toEqual(["slice k limit=0 rev=0 stale", "slice k00029+ limit=0 rev=500"]);
  });

  it.each<[string, Request, RequestFailure["code"], string | undefined]>([
    ["another order", { sortOrder: 2 }, "unimplemented", "RangeStream does not support custom sort orders"],
    ["another target", { sortTarget: 1 }, "unimplemented", "RangeStream does not support custom sort orders"],
    ["filters", { minModRevision: 3 }, "unimplemented", "RangeStream does not support revision filters"],
    ["an empty key", { key: new Uint8Array(0) }, "key-not-provided", undefined],
  ])("refuses %s", (_what, request, code, detail) => {
    const { chunks, seen } = build(5).open(request);
    expect(chunks).toEqual([]);
    expect(seen.failure).toMatchObject(detail === undefined ? { code } : { code, detail });
  });

  it("ends with the error of a part, after the chunks before it", () => {
    const { open, store, nodes } = build(75);
    for (const node of nodes) {
      node.read = (read) =>
        store.asked.length > 0
          ? { kind: "results", results: [{ ok: false, failure: { code: "compacted", detail: "" } }] }
          : store.read(read);
    }
    const { chunks, seen } = open({});
    expect(sizes(chunks)).toEqual([30]);
    expect(seen).toMatchObject({ ended: false, failure: { code: "compacted" } });
  });
});
