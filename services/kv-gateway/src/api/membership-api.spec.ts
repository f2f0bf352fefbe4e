import { VirtualTime } from "@quorate/actor";
import { encodeMembershipResult, etcdserverpb, messageToJson, type NodeAnswer } from "@quorate/wire";
import type { MemberId, Term } from "../actors/leader-view";
import type { CallOutcome } from "../actors/pending-call";
import type { GatewayOptions } from "../gateway";
import { statusOf } from "../grpc/status";
import { memberId } from "../testing/bench";
import { refuse, type ScriptedNode } from "../testing/scripted-node";
import { DRAWN_BEFORE, testGateway, type TestGateway } from "../testing/test-gateway";

const CONTEXT = { timeoutMs: Infinity, requireLeader: false };
const URLS = ["http://10.0.0.4:2380"];
/** The first id that is drawn is the new member's. */
const NEW = DRAWN_BEFORE + 1n;
const pb = etcdserverpb;

const REQUESTS = {
  memberAdd: pb.MemberAddRequest.encode({ peerURLs: URLS, isLearner: true }).finish(),
  memberRemove: pb.MemberRemoveRequest.encode({ ID: 2 }).finish(),
  memberUpdate: pb.MemberUpdateRequest.encode({ ID: 2, peerURLs: ["anything"] }).finish(),
  memberPromote: pb.MemberPromoteRequest.encode({ ID: 2 }).finish(),
  moveLeader: pb.MoveLeaderRequest.encode({ targetID: 2 }).finish(),
};
type Method = keyof typeof REQUESTS;
const CHANGES = ["memberAdd", "memberRemove", "memberUpdate", "memberPromote"] as const;

/** Members 2 and 1, in the wrong order. */
const CHANGED: NodeAnswer = {
  kind: "results",
  results: [
    {
      ok: true,
      bytes: encodeMembershipResult({
        clusterId: 0xc1n,
        raftTerm: 5 as Term,
        members: [2n, 1n].map((id) => ({
          id: id as MemberId,
          name: "",
          peerUrls: [],
          clientUrls: [],
          learner: id === 2n,
        })),
      }),
    },
  ],
};

function failedFor(code: "member-not-found" | "bad-transferee"): NodeAnswer {
  return { kind: "results", results: [{ ok: false, failure: { code, detail: "" } }] };
}

describe("MembershipApi", () => {
  let time: VirtualTime;
  let parts: TestGateway;
  let nodes: readonly ScriptedNode[];

  function build(options: Partial<GatewayOptions> = {}): void {
    time = new VirtualTime();
    parts = testGateway({ clock: time, scheduler: time }, options);
    nodes = parts.nodes;
    for (const node of nodes) node.order = () => CHANGED;
    lead(0, 5);
  }

  beforeEach(() => build());

  function lead(at: number, term: number): void {
    for (const node of nodes) node.follows(memberId(at + 1), term);
    time.advance(10);
  }

  function start(method: Method, bytes: Uint8Array = REQUESTS[method]): (CallOutcome | undefined)[] {
    const seen: CallOutcome[] = [];
    parts.gateway.membership[method](bytes, CONTEXT, (outcome) => {
      seen.push(outcome.kind === "ok" ? { kind: "ok", bytes: outcome.bytes.slice() } : outcome);
    });
    return seen;
  }

  function call(method: Method, withinMs: number, bytes?: Uint8Array): CallOutcome | undefined {
    const seen = start(method, bytes);
    time.advance(withinMs);
    expect(seen.length).toBeLessThan(2);
    return seen[0];
  }

  it("adds a member under a random id, with its URLs and the limit for learners, and tells all members sorted", () => {
    const outcome = call("memberAdd", 100);
    const member = { id: NEW, name: "", peerUrls: URLS, clientUrls: [] };
    expect(nodes[0]!.orders).toEqual([
      {
        order: {
          kind: "change",
          request: {
            changeId: NEW + 1n,
            change: { kind: "add", member, learner: true, learnersMax: 1 },
          },
        },
        skipHealthCheck: false,
      },
    ]);
    if (outcome?.kind !== "ok") throw new Error("refused");
    expect(messageToJson("etcdserverpb.MemberAddResponse", outcome.bytes)).toEqual({
      header: { cluster_id: "193", member_id: "1", raft_term: "5" },
      member: { ID: `${NEW}`, peerURLs: URLS, isLearner: true },
      members: [
        { ID: "1", clientURLs: ["http://gateway:2379"] },
        { ID: "2", isLearner: true },
      ],
    });
  });

  it.each<[Method, object]>([
    ["memberRemove", { kind: "remove", id: 2n }],
    ["memberUpdate", { kind: "update", id: 2n, peerUrls: ["anything"] }],
    ["memberPromote", { kind: "promote", id: 2n }],
  ])("brings %s to the leader", (method, change) => {
    expect(call(method, 100)).toMatchObject({ kind: "ok" });
    expect(nodes[0]!.orders).toMatchObject([{ order: { request: { change } } }]);
  });

  it("refuses bad peer URLs without asking anybody", () => {
    const bytes = pb.MemberAddRequest.encode({ peerURLs: ["nowhere"] }).finish();
    expect(call("memberAdd", 0, bytes)).toMatchObject({ failure: { code: "bad-member-urls" } });
    expect(nodes[0]!.orders).toEqual([]);
  });

  it.each([...CHANGES, "moveLeader"] as const)("refuses %s that is no message", (method) => {
    expect(call(method, 0, Uint8Array.of(0xff))).toMatchObject({ failure: { code: "malformed" } });
  });

  it("hands on what the leader, or applying it, refused it for", () => {
    nodes[0]!.order = () => failedFor("member-not-found");
    const outcome = call("memberRemove", 100);
    expect(outcome).toMatchObject({ failure: { code: "member-not-found", unknownOutcome: false } });
    if (outcome?.kind !== "failed") throw new Error("carried out");
    expect(statusOf(outcome.failure)).toEqual({ code: 5, message: "etcdserver: member not found" });
  });

  it("goes to the next leader when this one leads no more", () => {
    nodes[0]!.order = () => refuse("not-leader", 6, memberId(2));
    expect(call("memberPromote", 500)).toMatchObject({ kind: "ok" });
    expect(nodes[1]!.orders).toHaveLength(1);
  });

  it("gives a change again under the same id when nobody answered, so that it is carried out once", () => {
    nodes[0]!.order = () => undefined;
    const seen = start("memberRemove");
    time.advance(1000);
    lead(1, 6);
    time.advance(3000);
    expect(seen).toMatchObject([{ kind: "ok" }]);
    expect(nodes[1]!.orders).toEqual(nodes[0]!.orders);
  });

  it("never calls a change definitely failed that once got no answer", () => {
    nodes[0]!.order = () => undefined;
    const seen = start("memberRemove");
    time.advance(2050);
    nodes[0]!.order = () => failedFor("member-not-found");
    time.advance(1000);
    expect(seen).toMatchObject([{ failure: { code: "member-not-found", unknownOutcome: true } }]);
  });

  it("calls it unknown when nobody ever answers", () => {
    for (const node of nodes) node.order = () => undefined;
    expect(call("memberPromote", 8000)).toMatchObject({ failure: { code: "timeout", unknownOutcome: true } });
  });

  it("waits for another change to be settled, and says so if it never is", () => {
    nodes[0]!.order = () => refuse("configuration-pending", 5, memberId(1));
    const seen = start("memberPromote");
    time.advance(1000);
    nodes[0]!.order = () => CHANGED;
    time.advance(200);
    expect(seen).toMatchObject([{ kind: "ok" }]);

    nodes[0]!.order = () => refuse("configuration-pending", 5, memberId(1));
    expect(call("memberPromote", 8000)).toMatchObject({
      failure: { code: "membership-unsettled", unknownOutcome: false },
    });
  });

  it("refuses more than 64 changes at once", () => {
    nodes[0]!.order = () => undefined;
    for (let more = 0; more < 64; more += 1) start("memberPromote");
    expect(call("memberPromote", 0)).toMatchObject({ failure: { code: "too-many-requests" } });
  });

  describe("moving the leadership", () => {
    it("is done by the gateway of the leader", () => {
      expect(call("moveLeader", 100)).toEqual({ kind: "ok", bytes: new Uint8Array(0) });
      expect(nodes[0]!.orders).toMatchObject([{ order: { kind: "move-leader", to: 2n } }]);
    });

    it("is refused by the gateway of another member, and by one that knows no leader", () => {
      lead(1, 6);
      expect(call("moveLeader", 0)).toMatchObject({ failure: { code: "not-leader" } });
      for (const node of nodes) node.follows(undefined, 7);
      time.advance(10);
      expect(call("moveLeader", 0)).toMatchObject({ failure: { code: "not-leader" } });
      expect(nodes.flatMap((node) => node.orders)).toEqual([]);
    });

    it("is brought to the leader by a gateway of the whole cluster", () => {
      build({ homeMember: undefined });
      lead(2, 6);
      expect(call("moveLeader", 100)).toMatchObject({ kind: "ok" });
      expect(nodes[2]!.orders).toHaveLength(1);
    });

    it("is brought to the leader by any gateway for callers that cannot choose one", () => {
      lead(1, 6);
      const seen: CallOutcome[] = [];
      const { membership } = parts.gateway;
      membership.moveLeaderFromAnywhere(REQUESTS.moveLeader, CONTEXT, (outcome) => void seen.push(outcome));
      time.advance(100);
      expect(seen).toMatchObject([{ kind: "ok" }]);
      expect(nodes[1]!.orders).toHaveLength(1);
    });

    it.each<[string, NodeAnswer | undefined]>([
      ["nobody answered", undefined],
      ["the answer cannot be read", { kind: "results", results: [] }],
    ])("is never tried twice when %s", (_why, answer) => {
      nodes[0]!.order = () => answer;
      expect(call("moveLeader", 8000)).toMatchObject({ failure: { unknownOutcome: true } });
      expect(nodes[0]!.orders).toHaveLength(1);
    });
  });

  it("answers what waits as unknown when it stops", () => {
    nodes[0]!.order = () => undefined;
    const seen = start("memberPromote");
    parts.gateway.close();
    expect(seen).toMatchObject([{ failure: { code: "stopped", unknownOutcome: true } }]);
    expect(call("memberPromote", 0)).toMatchObject({ failure: { code: "stopped", unknownOutcome: false } });
  });
});
