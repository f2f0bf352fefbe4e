import { VirtualTime } from "@quorate/actor";
import { textOf, utf8 } from "@quorate/base";
import type { Revision } from "@quorate/mvcc";
import { ResponseEncoder, etcdserverpb, saturatingNumber, type NodeAnswer } from "@quorate/wire";
import type { SeenRead } from "../testing/scripted-node";
import { testGateway } from "../testing/test-gateway";
import { startRangeStream, type ChunkSink } from "./range-stream-api";
import type { RequestFailure } from "./request-failure";

const CONTEXT = { timeoutMs: Infinity, requireLeader: false };
const CURRENT = 500;
const encoder = new ResponseEncoder({ clusterId: 0xc1n, memberId: 1n });
type Request = etcdserverpb.RangeRequest.$Properties;

/** What a node with keys k000, k001, … answers; it writes down what it was asked. */
class Store {
  readonly asked: string[] = [];

  constructor(
    private readonly keys: readonly string[],
    private readonly valueBytes: number,
  ) {}

  readonly read = ({ reads, serializable }: SeenRead): NodeAnswer => {
    const [{ kind, bytes }] = reads as [SeenRead["reads"][number]];
    const request = etcdserverpb.RangeRequest.decode(bytes);
    const limit = saturatingNumber(request.limit);
    const revision = saturatingNumber(request.revision);
    const from = textOf(request.key);
    const rest = this.keys.filter((key) => key >= from);
    const kvs = request.countOnly ? [] : rest.slice(0, limit > 0 ? limit : undefined);
    this.asked.push(
      `${kind} ${from.replace("\0", "+")} limit=${limit} rev=${revision}${serializable ? " stale" : ""}`,
    );
    const response = {
      revision: (revision > 0 ? CURRENT + 9 : CURRENT) as Revision,
      kvs: kvs.map((key) => ({
        key: utf8(key),
        value: new Uint8Array(this.valueBytes),
        createRevision: 2 as Revision,
        modRevision: 2 as Revision,
        version: 1,
        lease: 0n as never,
      })),
      more: !request.countOnly && kvs.length < rest.length,
      count: kind === "page" ? 0 : rest.length,
    };
    return { kind: "results", results: [{ ok: true, bytes: encoder.range(response, 5) }] };
  };
}

function build(keys: number, valueBytes = 10) {
  const time = new VirtualTime();
  const { gateway, nodes } = testGateway({ clock: time, scheduler: time }, { readPreference: "leader" });
  const store = new Store(
    Array.from({ length: keys }, (_, at) => `k${String(at).padStart(5, "0")}`),
    valueBytes,
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
  it("sends pages of one revision that double while they are small; only the last says how much there was", () => {
    const { open, store } = build(75);
    const { chunks, seen } = open({});
    expect(sizes(chunks)).toEqual([10, 20, 40, 5]);
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
      "range k limit=10 rev=0",
      "page k00009+ limit=20 rev=500",
      "page k00029+ limit=40 rev=500",
      "page k00069+ limit=80 rev=500",
    ]);
  });

  it("keeps to the limit and says that there is more", () => {
    const { chunks } = build(75).open({ limit: 25 });
    expect(sizes(chunks)).toEqual([10, 15]);
    expect(chunks.at(-1)).toMatchObject({ more: true });
  });

  it("shrinks its chunks when keys are large", () => {
    const { chunks } = build(30, 1024 * 1024).open({ limit: 17 });
    expect(sizes(chunks)).toEqual([10, 5, 2]);
  });

  it("sends one chunk for a count, and for nothing", () => {
    expect(build(75).open({ countOnly: true }).chunks).toMatchObject([{ kvs: [], more: false }]);
    expect(sizes(build(0).open({}).chunks)).toEqual([0]);
  });

  it("waits while the client does not read, and asks no node meanwhile", () => {
    const { open, store, time } = build(75);
    const { chunks, seen, stream } = open({}, 1);
    expect([sizes(chunks), store.asked.length, seen.ended]).toEqual([[10], 1, false]);
    seen.room = Infinity;
    stream!.resume();
    time.advance(5000);
    expect([sizes(chunks), seen.ended]).toEqual([[10, 20, 40, 5], true]);
  });

  it("stops asking once the client has gone", () => {
    const { open, store, time } = build(75);
    const { stream } = open({}, 1);
    stream!.abandon();
    stream!.resume();
    time.advance(5000);
    expect(store.asked).toHaveLength(1);
  });

  it("asks for a confirmed page if the member that answers is behind the pinned revision", () => {
    const { open, store, nodes } = build(15);
    for (const node of nodes) {
      node.read = (read) =>
        read.serializable && read.reads[0]?.kind === "page"
          ? { kind: "results", results: [{ ok: false, failure: { code: "future-revision", detail: "" } }] }
          : store.read(read);
    }
    const { chunks } = open({ serializable: true });
    expect(sizes(chunks)).toEqual([10, 5]);
    expect(store.asked).toEqual(["range k limit=10 rev=0 stale", "page k00009+ limit=20 rev=500"]);
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

  it("ends with the error of a page, after the chunks before it", () => {
    const { open, store, nodes } = build(75);
    for (const node of nodes) {
      node.read = (read) =>
        read.reads[0]?.kind === "page"
          ? { kind: "results", results: [{ ok: false, failure: { code: "compacted", detail: "" } }] }
          : store.read(read);
    }
    const { chunks, seen } = open({});
    expect(sizes(chunks)).toEqual([10]);
    expect(seen).toMatchObject({ ended: false, failure: { code: "compacted" } });
  });
});
