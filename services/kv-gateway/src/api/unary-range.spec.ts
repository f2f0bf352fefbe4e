import { VirtualTime } from "@quorate/actor";
import { textOf, utf8 } from "@quorate/base";
import { etcdserverpb, saturatingNumber } from "@quorate/wire";
import fc from "fast-check";
import type { CallOutcome } from "../actors/pending-call";
import { CURRENT, SlicedStore } from "../testing/sliced-store";
import { testGateway } from "../testing/test-gateway";

type Request = etcdserverpb.RangeRequest.$Properties;

function build(keys: number, keysAtOnce: number, largeAnswerBytesMax = 100_000) {
  const time = new VirtualTime();
  const { gateway, nodes } = testGateway(
    { clock: time, scheduler: time },
    { readPreference: "leader", largeAnswerBytesMax },
  );
  const names = Array.from({ length: keys }, (_, at) => `k${String(at).padStart(5, "0")}`);
  const store = new SlicedStore(names, keysAtOnce);
  for (const node of nodes) node.read = store.read;
  nodes[0].leads(5);
  time.advance(1000);
  const ask = (request: Request, received: (outcome: CallOutcome) => void) => {
    const message = { key: utf8("k"), rangeEnd: utf8("l"), ...request };
    const bytes = etcdserverpb.RangeRequest.encode(message).finish();
    const running = gateway.kv.range(bytes, { timeoutMs: Infinity, requireLeader: false }, received);
    time.advance(5000);
    return running;
  };
  const range = (request: Request) => {
    const outcomes: unknown[] = [];
    ask(request, (outcome) => {
      outcomes.push(outcome.kind === "ok" ? readable(outcome.bytes) : outcome.failure.code);
    });
    return outcomes;
  };
  return { ask, range, names, store, nodes, time };
}

function readable(bytes: Uint8Array) {
  const { header, kvs, more, count } = etcdserverpb.RangeResponse.decode(Uint8Array.from(bytes));
  const keys = kvs.map(({ key }) => textOf(key!));
  return { revision: saturatingNumber(header!.revision!), keys, more, count: saturatingNumber(count) };
}

describe("a Range whose answer comes in parts", () => {
  it("is answered as if it had come whole, whatever the limit and the size of the parts", () => {
    const cases = fc.record({
      keys: fc.nat(40),
      keysAtOnce: fc.integer({ min: 1, max: 12 }),
      limit: fc.nat(45),
      countOnly: fc.boolean(),
    });
    fc.assert(
      fc.property(cases, ({ keys, keysAtOnce, limit, countOnly }) => {
        const { range, names } = build(keys, keysAtOnce);
        const expected = countOnly ? [] : names.slice(0, limit > 0 ? limit : undefined);
        const more = !countOnly && expected.length < keys;
        expect(range({ limit, countOnly })).toEqual([
          { revision: CURRENT, keys: expected, more, count: keys },
        ]);
      }),
      { numRuns: 150 },
    );
  });

  it("is refused when it is larger than may be held, and the room is there for the next one", () => {
    const { range, names } = build(100, 10, 1500);
    expect(range({})).toEqual(["answer-too-large"]);
    expect(range({})).toEqual(["answer-too-large"]);
    expect(range({ limit: 20 })).toMatchObject([{ keys: names.slice(0, 20), count: 100 }]);
  });

  it("holds its room until whoever keeps the bytes lets them go", () => {
    const { ask, range, time } = build(100, 10, 3000);
    const kept: CallOutcome[] = [];
    ask({}, (outcome) => {
      kept.push(outcome);
      if (outcome.kind === "ok") outcome.hold!.keep();
    });
    const [first] = kept;
    if (first?.kind !== "ok") throw new Error("The first answer has room");
    const later: string[] = [];
    ask({}, ({ kind }) => later.push(kind));
    expect(later).toEqual([]);
    first.hold!.release();
    time.advance(5000);
    expect(later).toEqual(["ok"]);
    expect(range({})).toMatchObject([{ count: 100 }]);
  });

  it("begins anew if what it read is compacted meanwhile, unless that revision was asked for", () => {
    const { range, store, nodes, names } = build(50, 20);
    let compactions = 1;
    for (const node of nodes) {
      node.read = (read) => {
        const { revision } = etcdserverpb.RangeRequest.decode(read.reads[0]!.bytes);
        if (saturatingNumber(revision) === 0 || compactions === 0) return store.read(read);
        compactions -= 1;
        return { kind: "results", results: [{ ok: false, failure: { code: "compacted", detail: "" } }] };
      };
    }
    expect(range({})).toMatchObject([{ keys: names, count: 50 }]);
    compactions = 1;
    expect(range({ revision: 400 })).toEqual(["compacted"]);
    compactions = 1000;
    expect(range({})).toEqual(["compacted"]);
  });

  it("asks no further once its caller has gone, and gives its room back", () => {
    const { ask, range, store, nodes, time } = build(100, 10, 3000);
    for (const node of nodes) node.read = (read) => (store.asked.length < 3 ? store.read(read) : undefined);
    ask({}, () => undefined)!.abandon();
    const asked = store.asked.length;
    for (const node of nodes) node.read = store.read;
    time.advance(20_000);
    expect(store.asked).toHaveLength(asked);
    expect(range({})).toMatchObject([{ count: 100 }]);
  });
});
