import { binaryString, utf8 } from "@quorate/base";
import { NO_LEASE, type Event, type KeyValue, type LeaseId, type Revision } from "@quorate/mvcc";
import type { MemberId, Term } from "@quorate/raft";
import {
  decodeFeedBatch,
  decodeFeedPosition,
  decodeHistoryRequest,
  decodeHistoryResponse,
  encodeFeedBatch,
  encodeFeedPosition,
  encodeHistoryCompacted,
  encodeHistoryRequest,
  HistoryResponseWriter,
  type FedEvent,
} from "./feed";
import { mvccpb } from "./protocol";

const revision = (value: number): Revision => value as Revision;

function keyValue(key: string, modRevision: number, value: string, lease = NO_LEASE): KeyValue {
  return {
    key: utf8(key),
    value: utf8(value),
    createRevision: revision(2),
    modRevision: revision(modRevision),
    version: modRevision - 1,
    lease,
  };
}

function put(key: string, main: number, value: string, prev?: KeyValue): FedEvent {
  const event: Event = {
    kind: "put",
    main: revision(main),
    sub: 0,
    kv: keyValue(key, main, value, 7n as LeaseId),
    supersededRevision: revision(prev?.modRevision ?? 0),
    historyBytes: 0,
  };
  return { event, prevKv: prev };
}

function deletion(key: string, main: number, prev: KeyValue): FedEvent {
  const kv = { ...keyValue(key, main, ""), createRevision: revision(0), version: 0 };
  return {
    event: {
      kind: "delete",
      main: revision(main),
      sub: 0,
      kv,
      supersededRevision: prev.modRevision,
      historyBytes: 0,
    },
    prevKv: prev,
  };
}

const fed = [
  put("a", 300, "new"),
  put("b", 301, "x".repeat(70_000), keyValue("b", 299, "old")),
  deletion("b", 302, keyValue("b", 301, "y")),
];

describe("a feed batch", () => {
  const head = {
    prevRevision: revision(299),
    revision: revision(302),
    compactRevision: revision(-1),
    term: 4 as Term,
    bare: false,
  };
  const decoded = decodeFeedBatch(encodeFeedBatch(head, fed));

  it("comes back with its place and what watchers match by", () => {
    expect(decoded).toMatchObject(head);
    expect(decoded.events.map(({ kind, main, key }) => [kind, main, key])).toEqual([
      ["put", 300, "a"],
      ["put", 301, "b"],
      ["delete", 302, "b"],
    ]);
  });

  it("holds etcd's events, whose heads are the same events without the previous key-value", () => {
    for (const [at, { bytes, headBytes }] of decoded.events.entries()) {
      const { event, prevKv } = fed[at]!;
      const whole = mvccpb.Event.decode(bytes);
      const bare = mvccpb.Event.decode(bytes.subarray(0, headBytes));
      expect(whole.type).toBe(event.kind === "put" ? 0 : 1);
      expect(binaryString(whole.kv!.key!)).toBe(binaryString(event.kv.key));
      expect(Number(whole.kv!.modRevision)).toBe(event.main);
      expect(whole.prevKv == null).toBe(prevKv === undefined);
      if (prevKv !== undefined) expect(Number(whole.prevKv!.modRevision)).toBe(prevKv.modRevision);
      expect(bare.prevKv).toBeNull();
      expect(bare.kv).toEqual(whole.kv);
    }
  });
});

describe("what nodes and fan-outs ask each other", () => {
  it("comes back as it was", () => {
    const position = {
      clusterId: 0xffff_ffff_ffff_fff1n,
      memberId: 0x8000_0000_0000_0002n as MemberId,
      term: 9 as Term,
      leader: undefined,
      revision: revision(12),
      compactRevision: revision(-1),
    };
    expect(decodeFeedPosition(encodeFeedPosition(position))).toEqual(position);
    const request = { from: revision(2 ** 40), bytesMax: 1000 };
    expect(decodeHistoryRequest(encodeHistoryRequest(request))).toEqual(request);
    expect(decodeHistoryResponse(encodeHistoryCompacted(revision(9), revision(7)))).toEqual({
      kind: "compacted",
      revision: 9,
      compactRevision: 7,
    });
    const writer = new HistoryResponseWriter();
    for (const event of fed) writer.add(event);
    expect(decodeHistoryResponse(writer.finish(revision(303), revision(310), revision(5)))).toMatchObject({
      kind: "events",
      next: 303,
      revision: 310,
      compactRevision: 5,
      events: [{ main: 300 }, { main: 301 }, { main: 302 }],
    });
  });
});
