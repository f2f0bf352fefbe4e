import { VirtualTime } from "@quorate/actor";
import { etcdserverpb, type NodeAnswer } from "@quorate/wire";
import type { CallOutcome } from "../actors/pending-call";
import type { GatewayOptions } from "../gateway";
import { memberId } from "../testing/bench";
import { refuse, responseAt } from "../testing/scripted-node";
import { testGateway } from "../testing/test-gateway";
import type { ApiMethod } from "./api-method";

const REQUEST = etcdserverpb.HashKVRequest.encode({ revision: 5 }).finish();
const PHYSICAL = etcdserverpb.CompactionRequest.encode({ revision: 5, physical: true }).finish();

/** A gateway for the first of three members, or for all of them; the second one leads. */
function build(options: Partial<GatewayOptions> = {}) {
  const time = new VirtualTime();
  const { gateway, nodes } = testGateway({ clock: time, scheduler: time }, options);
  nodes[1].leads(5);
  time.advance(1000);
  const call = (method: ApiMethod, request: Uint8Array, timeoutMs = Infinity): CallOutcome[] => {
    const outcomes: CallOutcome[] = [];
    method(request, { timeoutMs, requireLeader: false }, (outcome) => {
      outcomes.push(outcome.kind === "ok" ? { kind: "ok", bytes: Uint8Array.from(outcome.bytes) } : outcome);
    });
    return outcomes;
  };
  const asked = (): number[] => nodes.map(({ maintenanceRequests }) => maintenanceRequests.length);
  return { time, gateway, nodes, call, asked };
}

const CLUSTER = { homeMember: undefined };
const OK = { kind: "ok", bytes: responseAt(2) };

function failure(code: string, unknownOutcome = false): object {
  return { kind: "failed", failure: { code, unknownOutcome } };
}

describe("a hash", () => {
  it.each([
    ["the home member's", {}, [1, 0, 0]],
    ["the leader's, if the gateway stands for the whole cluster", CLUSTER, [0, 1, 0]],
  ])("is %s", (_whose, options, expected) => {
    const { time, gateway, nodes, call, asked } = build(options);
    const outcomes = call(gateway.maintenance.hashKv, REQUEST, 3000);
    time.advance(10);
    expect(outcomes).toEqual([OK]);
    expect(asked()).toEqual(expected);
    const [request] = nodes.flatMap(({ maintenanceRequests }) => maintenanceRequests);
    expect(request).toEqual({ query: { kind: "hash-kv", revision: 5 }, timeoutMs: 3000 });
  });

  it("may take as long as its caller waits, and is asked for once", () => {
    const { time, gateway, nodes, call, asked } = build();
    nodes[0].maintenance = () => undefined;
    const outcomes = call(gateway.maintenance.hash, new Uint8Array(0), 60_000);
    time.advance(59_000);
    expect(outcomes).toEqual([]);
    time.advance(2000);
    expect(outcomes).toEqual([failure("timeout")]);
    expect(asked()).toEqual([1, 0, 0]);
  });

  it.each<[NodeAnswer, string]>([
    [refuse("overloaded", 5, memberId(2)), "too-many-requests"],
    [{ kind: "results", results: [{ ok: false, failure: { code: "compacted", detail: "" } }] }, "compacted"],
    [
      { kind: "results", results: [{ ok: false, failure: { code: "future-revision", detail: "" } }] },
      "future-revision",
    ],
  ])("is refused as the member says (%#)", (answer, code) => {
    const { time, gateway, nodes, call } = build();
    nodes[0].maintenance = () => answer;
    const outcomes = call(gateway.maintenance.hashKv, REQUEST);
    time.advance(10);
    expect(outcomes).toMatchObject([{ failure: { code } }]);
  });

  it("fails at once if the home member is not there, and comes from another one if there is none", async () => {
    for (const [options, expected] of [
      [{}, failure("member-unreachable")],
      [CLUSTER, OK],
    ] as const) {
      const { time, gateway, nodes, call } = build(options);
      await nodes[options === CLUSTER ? 1 : 0].disconnect();
      const outcomes = call(gateway.maintenance.hashKv, REQUEST);
      time.advance(500);
      expect(outcomes).toEqual([expected]);
    }
  });

  it("is not made of what cannot be read", () => {
    const { gateway, call, asked } = build();
    expect(call(gateway.maintenance.hashKv, Uint8Array.of(0xff))).toMatchObject([
      { failure: { code: "malformed" } },
    ]);
    expect(asked()).toEqual([0, 0, 0]);
  });
});

describe("defragment", () => {
  it("is answered at once, without a header and without asking anybody", () => {
    const { gateway, call, asked } = build();
    expect(call(gateway.maintenance.defragment, new Uint8Array(0))).toEqual([
      { kind: "ok", bytes: new Uint8Array(0) },
    ]);
    expect(asked()).toEqual([0, 0, 0]);
  });
});

describe("a physical compaction", () => {
  it("is answered once the home member has deleted the rows, however often it must be asked", () => {
    const { time, gateway, nodes, call, asked } = build();
    nodes[0].maintenance = () => (asked()[0]! < 3 ? undefined : { kind: "results", results: [DONE] });
    const outcomes = call(gateway.kv.compact, PHYSICAL);
    time.advance(4000);
    expect(outcomes).toEqual([]);
    expect(nodes[0].maintenanceRequests[0]?.query).toEqual({ kind: "compacted", revision: 5 });
    time.advance(1000);
    expect(outcomes).toEqual([OK]);
    expect(asked()).toEqual([3, 0, 0]);
  });

  it("may have happened if that takes longer than its caller waits", () => {
    const { time, gateway, nodes, call } = build(CLUSTER);
    nodes[1].maintenance = () => undefined;
    const outcomes = call(gateway.kv.compact, PHYSICAL, 10_000);
    time.advance(10_500);
    expect(outcomes).toEqual([failure("timeout", true)]);
  });

  it("waits for nothing if it is refused, or not physical", () => {
    const { time, gateway, nodes, call, asked } = build();
    const logical = call(gateway.kv.compact, etcdserverpb.CompactionRequest.encode({ revision: 5 }).finish());
    time.advance(10);
    expect(logical).toEqual([OK]);
    nodes[1].propose = () => ({
      kind: "results",
      results: [{ ok: false, failure: { code: "compacted", detail: "" } }],
    });
    const refused = call(gateway.kv.compact, PHYSICAL);
    time.advance(10);
    expect(refused).toMatchObject([{ failure: { code: "compacted" } }]);
    expect(asked()).toEqual([0, 0, 0]);
  });
});

const DONE = { ok: true, bytes: new Uint8Array(0) } as const;
