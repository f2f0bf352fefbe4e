import { VirtualTime } from "@quorate/actor";
import { decodeCommand, etcdserverpb } from "@quorate/wire";
import type { CallOutcome } from "../actors/pending-call";
import { acceptAll, refuse, responseAt } from "../testing/scripted-node";
import { DRAWN_LEASE, testGateway, type TestGateway } from "../testing/test-gateway";
import type { ApiMethod } from "./api-method";

const CONTEXT = { timeoutMs: Infinity, requireLeader: false };
const { LeaseGrantRequest, LeaseKeepAliveRequest, LeaseLeasesRequest } = etcdserverpb;

describe("LeaseApi", () => {
  let time: VirtualTime;
  let parts: TestGateway;

  beforeEach(() => {
    time = new VirtualTime();
    parts = testGateway({ clock: time, scheduler: time });
    parts.nodes[0].leads(5);
    time.advance(10);
  });

  /** Calls and lets `waitMs` pass. */
  function call(method: ApiMethod, bytes: Uint8Array, waitMs = 10): CallOutcome | undefined {
    let seen: CallOutcome | undefined;
    method(bytes, CONTEXT, (outcome) => {
      seen = outcome.kind === "ok" ? { kind: "ok", bytes: new Uint8Array(outcome.bytes) } : outcome;
    });
    time.advance(waitMs);
    return seen;
  }

  function grantedInLog(request: etcdserverpb.LeaseGrantRequest.$Properties): unknown {
    call(parts.gateway.lease.grant, LeaseGrantRequest.encode(request).finish());
    return decodeCommand(parts.nodes[0].proposals.at(-1)!.commands[0]!);
  }

  it("draws the id and raises the TTL to the cluster's minimum before anything is proposed", () => {
    expect(grantedInLog({ TTL: 1 })).toEqual({
      kind: "lease-grant",
      request: { id: DRAWN_LEASE, ttlSeconds: 2 },
    });
    expect(grantedInLog({ TTL: -9, ID: -4 })).toMatchObject({ request: { id: -4n, ttlSeconds: 2 } });
    expect(grantedInLog({ TTL: 70, ID: 4 })).toMatchObject({ request: { id: 4n, ttlSeconds: 70 } });
    expect(grantedInLog({ TTL: 9_000_000_000 })).toMatchObject({ request: { ttlSeconds: 9_000_000_000 } });
  });

  it("refuses a TTL beyond the largest without asking anyone", () => {
    const request = LeaseGrantRequest.encode({ TTL: 9_000_000_001 }).finish();
    const outcome = call(parts.gateway.lease.grant, request);
    expect(outcome).toMatchObject({ failure: { code: "lease-ttl-too-large", unknownOutcome: false } });
    expect(parts.nodes[0].proposals).toHaveLength(0);
  });

  it("does not send a grant again that may have been carried out", () => {
    parts.nodes[0].propose = () => undefined;
    const outcome = call(parts.gateway.lease.grant, LeaseGrantRequest.encode({ TTL: 5 }).finish(), 8000);
    expect(outcome).toMatchObject({ failure: { code: "timeout", unknownOutcome: true } });
    expect(parts.nodes[0].proposals).toHaveLength(1);
  });

  it("asks the leader to renew, again after silence, and the next one after a refusal", () => {
    const [first, second] = parts.nodes;
    const keepAlive = LeaseKeepAliveRequest.encode({ ID: 7 }).finish();
    let asked = 0;
    first.lease = () => (++asked === 1 ? undefined : refuse("not-leader", 6, second.options.member));
    const outcome = call(parts.gateway.lease.keepAlive, keepAlive, 3000);
    expect(outcome).toMatchObject({ kind: "ok" });
    expect(first.leaseAsks).toHaveLength(2);
    expect(second.leaseAsks).toMatchObject([{ queries: [{ kind: "keep-alive", id: 7n }] }]);
  });

  it("asks for many leases with one message", () => {
    const outcomes: CallOutcome[] = [];
    for (let ID = 1; ID <= 20; ID += 1) {
      const request = LeaseKeepAliveRequest.encode({ ID }).finish();
      parts.gateway.lease.keepAlive(request, CONTEXT, (outcome) => void outcomes.push(outcome));
    }
    time.advance(10);
    expect(outcomes).toHaveLength(20);
    expect(parts.nodes[0].leaseAsks.map(({ queries }) => queries.length)).toEqual([20]);
  });

  it("lists leases as one member knows them, without a leader", () => {
    parts.nodes[0].read = ({ reads }) => acceptAll(reads.length);
    const outcome = call(parts.gateway.lease.leases, LeaseLeasesRequest.encode({}).finish());
    expect(outcome).toEqual({ kind: "ok", bytes: responseAt(2) });
    expect(parts.nodes[0].reads).toMatchObject([{ serializable: true, reads: [{ kind: "leases" }] }]);
  });
});
