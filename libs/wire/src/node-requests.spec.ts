import type { Revision } from "@quorate/mvcc";
import type { LogIndex, MemberId, Term } from "@quorate/raft";
import type { StateError } from "@quorate/state-machine";
import { failureOf, type Failure } from "./failures";
import { wireId } from "./int64";
import {
  decodeLeaseRequest,
  decodeLeaseResponse,
  decodeProposeRequest,
  decodeProposeResponse,
  decodeReadRequest,
  decodeReadResponse,
  encodeLeaseRequest,
  encodeLeaseResponse,
  encodeProposeRequest,
  encodeProposeResponse,
  encodeReadRequest,
  encodeReadResponse,
  type NodeAnswer,
  type RefusalReason,
} from "./node-requests";
import {
  decodeLeaderNotice,
  decodeNodeStatus,
  encodeLeaderNotice,
  encodeNodeStatus,
  type NodeStatus,
} from "./node-status";
import { etcdserverpb, quorate } from "./protocol";

const term = 4 as Term;
const leader = 0xfedc_ba98_7654_3210n as MemberId;

describe("proposals", () => {
  it("come back as they were sent", () => {
    const request = {
      expectedTerm: term,
      batch: Uint8Array.of(1, 2),
      gateway: 2n ** 64n - 1n,
      sequence: 2 ** 40,
      answerAs: leader,
    };
    const decoded = decodeProposeRequest(encodeProposeRequest(request));
    expect({ ...decoded, batch: [...decoded.batch] }).toEqual({ ...request, batch: [1, 2] });
  });
});

describe("questions about leases", () => {
  it("come back as they were asked", () => {
    const ID = wireId(-1n);
    const decoded = decodeLeaseRequest(
      encodeLeaseRequest({
        answerAs: leader,
        queries: [
          { kind: "keep-alive", bytes: etcdserverpb.LeaseKeepAliveRequest.encode({ ID }).finish() },
          {
            kind: "time-to-live",
            bytes: etcdserverpb.LeaseTimeToLiveRequest.encode({ ID, keys: true }).finish(),
          },
          { kind: "time-to-live", bytes: etcdserverpb.LeaseTimeToLiveRequest.encode({ ID: 5 }).finish() },
        ],
      }),
    );
    expect(decoded.answerAs).toBe(leader);
    expect(decoded.queries).toEqual([
      { kind: "keep-alive", id: -1n },
      { kind: "time-to-live", id: -1n, keys: true },
      { kind: "time-to-live", id: 5n, keys: false },
    ]);
  });
});

describe("reads", () => {
  it("come back as they were sent", () => {
    const decoded = decodeReadRequest(
      encodeReadRequest({
        reads: [
          { kind: "range", bytes: Uint8Array.of(1) },
          { kind: "txn", bytes: new Uint8Array(0) },
        ],
        serializable: true,
        answerAs: leader,
      }),
    );
    expect(decoded).toMatchObject({ serializable: true, answerAs: leader });
    expect(decoded.reads.map(({ kind, bytes }) => [kind, ...bytes])).toEqual([["range", 1], ["txn"]]);
  });
});

describe.each([
  ["propose", encodeProposeResponse, decodeProposeResponse],
  ["read", encodeReadResponse, decodeReadResponse],
  ["lease", encodeLeaseResponse, decodeLeaseResponse],
])("answers to %s", (_, encode, decode) => {
  it("carry one result per request: a response, which may be empty, or a failure", () => {
    const failure: Failure = { code: "internal", detail: "disk on fire" };
    const answer: NodeAnswer = {
      kind: "results",
      results: [
        { ok: true, bytes: Uint8Array.of(9) },
        { ok: true, bytes: new Uint8Array(0) },
        { ok: false, failure },
        { ok: false, failure: failureOf({ code: "key-not-found" }) },
      ],
    };
    const decoded = decode(encode(answer));
    expect(decoded).toMatchObject({
      results: [{ ok: true }, { ok: true }, { failure }, { failure: { code: "key-not-found", detail: "" } }],
    });
    expect(
      decoded.kind === "results" && decoded.results.map((result) => (result.ok ? [...result.bytes] : 0)),
    ).toEqual([[9], [], 0, 0]);
  });

  it("may have no results at all", () => {
    expect(decode(encode({ kind: "results", results: [] }))).toEqual({ kind: "results", results: [] });
  });

  it.each<RefusalReason>([
    "not-leader",
    "wrong-term",
    "overloaded",
    "not-confirmed",
    "stopping",
    "malformed",
    "superseded",
  ])("may be a refusal: %s", (reason) => {
    for (const known of [leader, undefined]) {
      const answer: NodeAnswer = { kind: "refused", refusal: { reason, term, leader: known } };
      expect(decode(encode(answer))).toEqual(answer);
    }
  });

  it("are malformed without an outcome", () => {
    expect(() => decode(new Uint8Array(0))).toThrow("it has no outcome");
  });
});

describe("failures", () => {
  const errors: StateError[] = [
    { code: "compacted", requested: 1 as Revision, compacted: 2 as Revision },
    { code: "future-revision", requested: 3 as Revision, current: 2 as Revision },
    { code: "key-not-found" },
    { code: "lease-not-found" },
  ];

  it.each(errors)("keep the code $code", (error) => {
    const bytes = encodeReadResponse({
      kind: "results",
      results: [{ ok: false, failure: failureOf(error) }],
    });
    expect(decodeReadResponse(bytes)).toMatchObject({ results: [{ failure: { code: error.code } }] });
  });

  it("of a code that is not known yet are internal ones", () => {
    const nameless: number = 99;
    const bytes = quorate.internal.v1.ReadResponse.encode({
      results: { results: [{ failure: { code: nameless, detail: "new" } }] },
    }).finish();
    expect(decodeReadResponse(bytes)).toMatchObject({
      results: [{ failure: { code: "internal", detail: "unknown failure code 99: new" } }],
    });
  });
});

describe("what a node tells about itself", () => {
  it("is of the first cluster version if it does not say", () => {
    const { clusterVersion, clusterVersionMax } = decodeNodeStatus(new Uint8Array(0));
    expect([clusterVersion, clusterVersionMax]).toEqual([1, 1]);
  });

  it("comes back as it was sent", () => {
    const status: NodeStatus = {
      clusterId: 2n ** 63n,
      memberId: leader,
      term,
      leader: undefined,
      lastIndex: 30 as LogIndex,
      commitIndex: 20 as LogIndex,
      appliedIndex: 10 as LogIndex,
      revision: (2 ** 45) as Revision,
      compactRevision: -1 as Revision,
      dbSizeBytes: 2 ** 42,
      storedBytes: 2 ** 41,
      quotaBytes: 2 ** 43,
      alarms: [
        { type: "no-space", memberId: 2n ** 64n - 1n },
        { type: "corrupt", memberId: 0n },
      ],
      unsafeOptions: ["--force-new-cluster"],
      effectHash: 0xffff_ffff,
      integrity: { stateScrubs: 1, logScrubs: 2, hashChecks: 3 },
      repairing: true,
      members: [{ id: leader, name: "n1", peerUrls: ["nats://x"], clientUrls: [], learner: true }],
      version: "0.1.0",
      incarnation: 3,
      clusterVersion: 2,
      clusterVersionMax: 4,
    };
    expect(decodeNodeStatus(encodeNodeStatus(status))).toEqual(status);
    const notice = { sender: 5n as MemberId, term, leader, member: status.members[0] };
    expect(decodeLeaderNotice(encodeLeaderNotice(notice))).toEqual(notice);
    expect(
      decodeLeaderNotice(encodeLeaderNotice({ ...notice, leader: undefined, member: undefined })),
    ).toEqual({
      ...notice,
      leader: undefined,
      member: undefined,
    });
  });
});
