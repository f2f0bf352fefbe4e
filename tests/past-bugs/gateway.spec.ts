import { utf8 } from "@quorate/base";
import { etcdserverpb, v3lockpb, wireId } from "@quorate/wire";
import { LoneMember } from "../../libs/raft/src/testing/lone-member";
import { NewestRevision } from "../../services/kv-gateway/src/actors/newest-revision";
import { Proposer } from "../../services/kv-gateway/src/actors/proposer";
import { ReadTargets } from "../../services/kv-gateway/src/actors/read-targets";
import { LINEARIZABLE_READ, Reader } from "../../services/kv-gateway/src/actors/reader";
import { Bench, memberId } from "../../services/kv-gateway/src/testing/bench";
import { RecipeBench, type Asked } from "../../services/kv-gateway/src/testing/recipe-bench";
import { refuse, responseAt, type ScriptedNode } from "../../services/kv-gateway/src/testing/scripted-node";

/** A gateway's way of writes, and three nodes of which the first leads term 5. */
function start() {
  const bench = new Bench();
  const { transport, subjects, tracker, timeoutCause, time } = bench;
  const nodes = bench.nodes(3) as [ScriptedNode, ScriptedNode, ScriptedNode];
  const proposer = new Proposer(
    {
      gateway: 9n,
      batchesInFlightMax: 2,
      queue: { callsMax: 100, bytesMax: 1 << 20, batchCallsMax: 10, batchBytesMax: 1000 },
      deposedGraceMs: 1000,
      backOff: { firstMs: 20, maxMs: 500 },
    },
    {
      transport,
      subjects,
      tracker,
      timeoutCause,
      clock: time,
      scheduler: time,
      answerAs: () => undefined,
      newest: new NewestRevision(),
    },
  );
  const lead = (leader: ScriptedNode, term: number): void => {
    for (const node of nodes) node.follows(leader.options.member, term);
    bench.settle();
  };
  lead(nodes[0], 5);
  return { bench, proposer, nodes, lead };
}

describe("writes through a gateway", () => {
  it.each(["a leader that says nothing", "a connection that breaks", "another leader"])(
    "TiDB #10075, #10076, etcd #18424: a write whose fate is open is told so and never sent again: %s",
    (what) => {
      const { bench, proposer, nodes, lead } = start();
      nodes[0].propose = () => undefined; // it may or may not have written it down
      const put = bench.put("a");
      proposer.tell(put.call);
      bench.settle();
      expect(nodes[0].proposals).toHaveLength(1);
      if (what.includes("connection")) bench.network.disconnect("gateway");
      if (what.includes("another")) lead(nodes[1], 6);
      bench.time.advance(8000);
      bench.network.reconnect("gateway");
      bench.time.advance(8000);
      expect(put.seen).toMatchObject({ unknown: true });
      expect(nodes.map(({ proposals }) => proposals.length)).toEqual([1, 0, 0]);
    },
  );

  it("etcd #14890: one that was refused before it was written down is sent again, once to each, and answered once", () => {
    const { bench, proposer, nodes } = start();
    nodes[0].propose = () => refuse("not-leader", 6, memberId(2));
    const put = bench.put("a");
    proposer.tell(put.call);
    bench.settle();
    expect(nodes.map(({ proposals }) => proposals.length)).toEqual([1, 1, 0]);
    expect(put.seen).toEqual({ ok: responseAt(2) });
  });

  it("TiDB #47060: a write that the network kept for long dies with the term that it was sent to", () => {
    const one = new LoneMember();
    one.elect(2);
    one.acknowledge(2, 1);
    const now = one.status.term;
    one.clear();
    one.propose("sent to the leader of the term before", now - 1);
    expect(one.did("proposal-refused")).toMatchObject([{ reason: "wrong-term" }]);
    expect(one.status.last.index).toBe(1);
  });

  it("etcd #9566: a read that a leader dropped is asked elsewhere; that changes nothing and needs no doubt", () => {
    const { bench, nodes } = start();
    const { transport, subjects, time, directory, tracker } = bench;
    const reader = new Reader(
      {
        question: LINEARIZABLE_READ,
        batchesInFlightMax: 4,
        queue: { callsMax: 100, bytesMax: 1 << 20, batchCallsMax: 10, batchBytesMax: 1 << 20 },
        attemptMs: 500,
        attemptMsMax: 4000,
        backOff: { firstMs: 10, maxMs: 500 },
      },
      {
        transport,
        subjects,
        clock: time,
        scheduler: time,
        answerAs: () => undefined,
        newest: new NewestRevision(),
        targets: new ReadTargets(
          { preference: "spread", homeMember: undefined, learners: false, avoidMs: 1000 },
          { directory, tracker, clock: time },
        ),
      },
    );
    bench.time.advance(300);
    for (const node of nodes.slice(0, 2)) node.read = () => undefined;
    const range = bench.range("a");
    reader.tell(range.call);
    bench.time.advance(7000);
    expect(range.seen).toEqual({ ok: responseAt(2) });
  });
});

const { LockRequest, LockResponse } = v3lockpb;

describe("locks", () => {
  const lock = (bench: RecipeBench, lease: bigint): Asked<v3lockpb.LockResponse> =>
    bench.ask(
      bench.parts.gateway.lock.lock,
      LockRequest.encode({ name: utf8("m"), lease: wireId(lease) }),
      LockResponse,
    );

  it("etcd #11456: who waited for a lock while the lease ran out is told so, and does not have it", async () => {
    const bench = new RecipeBench();
    for (const lease of [1n, 2n]) await bench.grant(lease);
    await bench.answered(lock(bench, 1n));
    const second = lock(bench, 2n);
    await bench.pass();
    bench.store.hold(); // the fan-out is slow: both ends become known at once
    await bench.revoke(2n);
    await bench.revoke(1n);
    bench.store.release();
    await bench.pass();
    expect([second.answer, second.failure]).toEqual([undefined, "2 mutex: session is expired"]);
  });

  it("etcd #11457, #10811: the key of a lock fences: a guarded write of a holder that lost it does nothing", async () => {
    const bench = new RecipeBench();
    for (const lease of [1n, 2n]) await bench.grant(lease);
    const first = await bench.answered(lock(bench, 1n));
    const created = first.header!.revision!;
    const guarded = () =>
      bench.ask(
        bench.parts.gateway.kv.txn,
        etcdserverpb.TxnRequest.encode({
          compare: [{ result: 0, target: 1, key: first.key!, createRevision: created }],
          success: [{ requestPut: { key: utf8("shared"), value: utf8("1") } }],
        }),
        etcdserverpb.TxnResponse,
      );
    expect((await bench.answered(guarded())).succeeded).toBe(true);
    await bench.revoke(1n); // it does not know yet
    await bench.answered(lock(bench, 2n));
    expect((await bench.answered(guarded())).succeeded).toBe(false);
  });
});
