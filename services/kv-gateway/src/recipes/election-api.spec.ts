import { textOf, utf8 } from "@quorate/base";
import type { Revision } from "@quorate/mvcc";
import { saturatingNumber, v3electionpb, wireId } from "@quorate/wire";
import type { CallContext } from "../api/api-method";
import type { StreamCall } from "../api/stream-method";
import { grpcStatusOf } from "../grpc/status";
import { DRAWN_LEASE } from "../testing/test-gateway";
import { RecipeBench, type Asked } from "../testing/recipe-bench";

const pb = v3electionpb;
type LeaderKey = v3electionpb.LeaderKey.$Properties;

/** One stream of Observe as its caller sees it. */
interface Observed {
  readonly call: StreamCall;
  /** `key=value@revision`, and how it ended. */
  readonly told: string[];
  reads: boolean;
}

class Bench extends RecipeBench {
  campaign(lease: bigint, value = `v${lease}`): Asked<v3electionpb.CampaignResponse> {
    const request = pb.CampaignRequest.encode({ name: utf8("e"), lease: wireId(lease), value: utf8(value) });
    return this.ask(this.parts.gateway.election.campaign, request, pb.CampaignResponse);
  }

  proclaim(leader: LeaderKey | null, value: string): Asked<v3electionpb.ProclaimResponse> {
    const request = pb.ProclaimRequest.encode({ leader, value: utf8(value) });
    return this.ask(this.parts.gateway.election.proclaim, request, pb.ProclaimResponse);
  }

  resign(leader: LeaderKey | null): Asked<v3electionpb.ResignResponse> {
    return this.ask(
      this.parts.gateway.election.resign,
      pb.ResignRequest.encode({ leader }),
      pb.ResignResponse,
    );
  }

  leader(): Asked<v3electionpb.LeaderResponse> {
    const request = pb.LeaderRequest.encode({ name: utf8("e") });
    return this.ask(this.parts.gateway.election.leader, request, pb.LeaderResponse);
  }

  observe(
    context: Partial<CallContext> = {},
    request = pb.LeaderRequest.encode({ name: utf8("e") }),
  ): Observed {
    const observed = { told: [] as string[], reads: true, call: undefined as unknown as StreamCall };
    const send = (bytes: Uint8Array): boolean => {
      const { header, kv } = pb.LeaderResponse.decode(Uint8Array.from(bytes));
      const [key, value] = [kv?.key, kv?.value].map((part) => textOf(part ?? new Uint8Array(0)));
      observed.told.push(`${key}=${value}@${saturatingNumber(header?.revision ?? 0)}`);
      return observed.reads;
    };
    observed.call = this.parts.gateway.election.observe(
      { timeoutMs: Infinity, requireLeader: false, ...context },
      {
        send,
        sendShared: (responses) => responses.sendWhole(send),
        pause: () => undefined,
        resume: () => undefined,
        end: (failure) => {
          const status = failure === undefined ? undefined : grpcStatusOf(failure);
          observed.told.push(`end ${status?.code} ${status?.message}`);
        },
      },
    );
    observed.call.receive(request.finish());
    return observed;
  }

  /** What was told since the last look. */
  async told({ told }: Observed): Promise<string[]> {
    await this.pass();
    return told.splice(0);
  }
}

describe("ElectionApi", () => {
  let bench: Bench;
  /** The revision that the store has now. */
  const revision = (): number => bench.store.revision;

  beforeEach(async () => {
    bench = new Bench();
    for (const lease of [1n, 2n, 3n]) await bench.grant(lease);
  });

  async function elect(lease: bigint): Promise<LeaderKey> {
    const { leader } = await bench.answered(bench.campaign(lease));
    return leader!;
  }

  it("makes the first candidate leader, and the next one when it resigns", async () => {
    const first = await elect(1n);
    expect(first).toMatchObject({ name: Buffer.from("e"), key: Buffer.from("e/1") });
    expect(saturatingNumber(first.rev ?? 0)).toBe(revision());
    const second = bench.campaign(2n);
    await bench.pass(1000);
    expect(second.answer).toBeUndefined();
    await bench.answered(bench.resign(first));
    expect(textOf(second.answer!.leader!.key!)).toBe("e/2");
    expect(saturatingNumber(second.answer!.header!.revision!)).toBe(3); // of its entry, as in etcd
    const { kv } = await bench.answered(bench.leader());
    expect([kv!.key, kv!.value].map((part) => textOf(part!))).toEqual(["e/2", "v2"]);
  });

  it("overwrites the value of a lease that campaigns again", async () => {
    await elect(1n);
    await bench.answered(bench.campaign(1n, "other"));
    expect(await bench.keys()).toEqual(["e/1=other"]);
    const before = revision();
    await bench.answered(bench.campaign(1n, "other"));
    expect(revision()).toBe(before);
  });

  it("does not elect a candidate whose lease ended while it waited", async () => {
    await elect(1n);
    const second = bench.campaign(2n);
    await bench.pass();
    await bench.revoke(2n);
    expect(second.failure).toBe("2 election: not leader");
  });

  it("withdraws a candidate who goes", async () => {
    await elect(1n);
    const second = bench.campaign(2n);
    await bench.pass();
    second.abandon();
    await bench.pass();
    expect(await bench.keys()).toEqual(["e/1=v1"]);
  });

  it("lets the leader proclaim, and nobody else", async () => {
    const leader = await elect(1n);
    await bench.answered(bench.proclaim(leader, "news"));
    expect(await bench.keys()).toEqual(["e/1=news"]);
    const stranger = bench.proclaim({ ...leader, rev: 1 }, "wrong");
    const unnamed = bench.proclaim(null, "wrong");
    const empty = bench.proclaim({}, "wrong");
    await bench.pass();
    expect([stranger, unnamed, empty].map(({ failure }) => failure)).toEqual([
      "2 election: not leader",
      '2 "leader" field must be provided',
      "2 etcdserver: key is not provided",
    ]);
    expect(await bench.keys()).toEqual(["e/1=news"]);
  });

  it("puts a new lease under what is proclaimed without one", async () => {
    const leader = await elect(1n);
    await bench.answered(bench.proclaim({ ...leader, lease: 0 }, "news"));
    await bench.revoke(1n);
    expect(await bench.keys()).toEqual(["e/1=news"]);
    await bench.revoke(DRAWN_LEASE);
    expect(await bench.keys()).toEqual([]);
  });

  it("lets resign who does not lead, without effect", async () => {
    const leader = await elect(1n);
    await bench.answered(bench.resign({ ...leader, rev: 1 }));
    expect(await bench.keys()).toEqual(["e/1=v1"]);
    const unnamed = bench.resign(null);
    await bench.pass();
    expect(unnamed.failure).toBe('2 "leader" field must be provided');
  });

  it("knows that there is no leader", async () => {
    const asked = bench.leader();
    await bench.pass();
    expect(asked.failure).toBe("2 election: no leader");
  });

  describe("Observe", () => {
    it("tells of the leader, its values, and the leaders after it", async () => {
      const observed = bench.observe();
      expect(await bench.told(observed)).toEqual([]);
      const first = await elect(1n);
      expect(await bench.told(observed)).toEqual([`e/1=v1@${revision()}`]);
      await bench.answered(bench.proclaim(first, "news"));
      expect(await bench.told(observed)).toEqual([`e/1=news@${revision()}`]);
      bench.campaign(2n);
      expect(await bench.told(observed)).toEqual([]);
      await bench.answered(bench.resign(first));
      expect(await bench.told(observed)).toEqual([`e/2=v2@${revision()}`]);
      await bench.delete("e/2");
      expect(await bench.told(observed)).toEqual([]);
      await elect(3n);
      expect(await bench.told(observed)).toEqual([`e/3=v3@${revision()}`]);
      observed.call.cancel();
      await bench.pass();
      expect(bench.parts.gateway.watch.streamCount).toBe(0);
    });

    it("begins with the leader there is", async () => {
      await elect(1n);
      expect(await bench.told(bench.observe())).toEqual([`e/1=v1@${revision()}`]);
    });

    it("misses nothing when the fan-out is replaced, and looks again after a compaction", async () => {
      const first = await elect(1n);
      const observed = bench.observe();
      await bench.told(observed);
      bench.parts.network.crash("fanout1");
      bench.startFanout(2);
      await bench.answered(bench.proclaim(first, "news"));
      await bench.pass(3000);
      expect(await bench.told(observed)).toEqual([`e/1=news@${revision()}`]);
      bench.parts.network.crash("fanout2");
      await bench.answered(bench.resign(first));
      await elect(2n);
      bench.startFanout(3);
      bench.store.fanout!.hub.compacted(revision() as Revision);
      await bench.pass(5000);
      expect(await bench.told(observed)).toEqual([`e/2=v2@${revision()}`]);
    });

    it("stands still while its caller does not read", async () => {
      const first = await elect(1n);
      const observed = bench.observe();
      observed.reads = false;
      expect(await bench.told(observed)).toHaveLength(1);
      await bench.answered(bench.proclaim(first, "news"));
      bench.campaign(2n);
      await bench.answered(bench.resign(first));
      await bench.pass(1000);
      const unread = await bench.told(observed);
      expect(unread.length).toBeLessThanOrEqual(1);
      observed.reads = true;
      observed.call.drained();
      expect([...unread, ...(await bench.told(observed))]).toEqual(["e/1=news@3", `e/2=v2@${revision()}`]);
    });

    it("does not look for the next leader while its caller does not read", async () => {
      const first = await elect(1n);
      const observed = bench.observe();
      observed.reads = false;
      expect(await bench.told(observed)).toHaveLength(1);
      bench.campaign(2n);
      await bench.answered(bench.resign(first));
      await bench.pass(1000);
      expect(await bench.told(observed)).toEqual([]);
      observed.call.drained();
      expect(await bench.told(observed)).toEqual([`e/2=v2@${revision()}`]);
    });

    it("takes an empty body for the election without a name, and one request only", async () => {
      const observed = bench.observe({}, pb.LeaderRequest.encode({ name: utf8("e") }));
      observed.call.receive(pb.LeaderRequest.encode({ name: utf8("other") }).finish());
      observed.call.endOfRequests();
      await elect(1n);
      expect(await bench.told(observed)).toEqual([`e/1=v1@${revision()}`]);
    });

    it("ends at its deadline, with the gateway, and without a leader if it needs one", async () => {
      const late = bench.observe({ timeoutMs: 100 });
      await bench.pass(200);
      expect(late.told).toEqual(["end 4 context deadline exceeded"]);
      const open = bench.observe();
      await bench.pass();
      bench.parts.gateway.watch.close();
      expect(open.told).toEqual(["end 14 etcdserver: server stopped"]);
      bench.parts.nodes[0].follows(undefined, 6);
      await bench.pass();
      expect(bench.observe({ requireLeader: true }).told).toEqual(["end 14 etcdserver: no leader"]);
    });
  });
});
