import { VirtualTime } from "@quorate/actor";
import { seededPrng, utf8 } from "@quorate/base";
import type { MemberId, Term } from "@quorate/raft";
import { NO_TRACER } from "@quorate/telemetry";
import { MemoryNetwork } from "@quorate/transport";
import {
  decodeProposeResponse,
  encodeCommandBatch,
  encodeProposeRequest,
  etcdserverpb,
  parseClusterName,
  Subjects,
  type NodeAnswer,
  type NodeStatus,
} from "@quorate/wire";
import type { RaftMessage } from "./actors/raft-actor";
import { NodeDoor } from "./node-door";

const MEMBER = 1n as MemberId;
const PUT = encodeCommandBatch([
  { kind: "put", bytes: etcdserverpb.PutRequest.encode({ key: utf8("a") }).finish() },
]);
/** A command of the kind 15. */
const UNKNOWN = Uint8Array.of(0x0a, 4, 0x7a, 2, 1, 2);

function build(startedIn = 2) {
  const time = new VirtualTime();
  const network = new MemoryNetwork({}, { clock: time, scheduler: time, prng: seededPrng(1) });
  const subjects = new Subjects(parseClusterName("c"));
  const told: RaftMessage[] = [];
  const door = new NodeDoor(
    { memberId: MEMBER, startedIn: startedIn as Term },
    {
      transport: network.connect("member"),
      subjects,
      raft: { tell: (message) => told.push(message) },
      lessor: { tell: () => undefined },
      tracer: NO_TRACER,
      status: () => ({ term: 4, leader: undefined }) as NodeStatus,
      clusterVersion: () => 1,
    },
  );
  door.open();
  const gateway = network.connect("gateway");
  const propose = (batch: Uint8Array): NodeAnswer | undefined => {
    let answer: NodeAnswer | undefined;
    const payload = encodeProposeRequest({ expectedTerm: 3 as Term, gateway: 7n, sequence: 1, batch });
    gateway.request(subjects.node(MEMBER, "propose"), payload, { timeoutMs: 100 }, (result) => {
      if (result.kind === "answer") answer = decodeProposeResponse(result.payload);
    });
    time.advance(200);
    return answer;
  };
  return { told, propose };
}

describe("NodeDoor", () => {
  it("hands a proposal to Raft as it came", () => {
    const { told, propose } = build();
    propose(PUT);
    expect(told).toMatchObject([{ kind: "propose", expectedTerm: 3, data: PUT }]);
  });

  it("hands over once what a broker delivers twice", () => {
    const { told, propose } = build();
    propose(PUT);
    expect(propose(PUT)).toBeUndefined();
    expect(told).toHaveLength(1);
  });

  it("does not take what it has refused when that is delivered again", () => {
    const { told, propose } = build();
    propose(Uint8Array.of(...PUT, ...UNKNOWN));
    expect(propose(PUT)).toBeUndefined();
    expect(told).toEqual([]);
  });

  it("does not say, after a new start, that nothing came of what it was asked in a term before that", () => {
    const { told, propose } = build(3);
    expect(propose(Uint8Array.of(...PUT, ...UNKNOWN))).toEqual({
      kind: "refused",
      refusal: { reason: "restarted", term: 4, leader: undefined },
    });
    expect(told).toEqual([]);
  });

  it("keeps out of the log what some member would have to stop at, and says that nothing came of it", () => {
    const { told, propose } = build();
    expect(propose(Uint8Array.of(...PUT, ...UNKNOWN))).toMatchObject({
      kind: "refused",
      refusal: { reason: "malformed" },
    });
    expect(told).toEqual([]);
  });
});
