import { textOf, utf8 } from "@quorate/base";
import type { Revision } from "@quorate/mvcc";
import { etcdserverpb, saturatingNumber, v3lockpb, wireId } from "@quorate/wire";
import type { CallContext } from "../api/api-method";
import { RecipeBench, type Asked } from "../testing/recipe-bench";
import { refuse } from "../testing/scripted-node";

const { LockRequest, LockResponse, UnlockRequest, UnlockResponse } = v3lockpb;

class Bench extends RecipeBench {
  lock(lease: bigint, context: Partial<CallContext> = {}): Asked<v3lockpb.LockResponse> {
    const request = LockRequest.encode({ name: utf8("m"), lease: wireId(lease) });
    return this.ask(this.parts.gateway.lock.lock, request, LockResponse, context);
  }

  unlock(key: string): Asked<v3lockpb.UnlockResponse> {
    return this.ask(this.parts.gateway.lock.unlock, UnlockRequest.encode({ key: utf8(key) }), UnlockResponse);
  }
}

function keyOf({ answer, failure }: Asked<v3lockpb.LockResponse>): string | undefined {
  return answer === undefined ? failure : textOf(answer.key);
}

describe("LockApi", () => {
  let bench: Bench;

  beforeEach(async () => {
    bench = new Bench();
    for (const lease of [1n, 2n, 3n]) await bench.grant(lease);
  });

  it("gives a free lock at once, under a key that names the lease in hex", async () => {
    await bench.grant(0xabcn);
    const { key, header } = await bench.answered(bench.lock(0xabcn));
    expect(textOf(key)).toBe("m/abc");
    expect(saturatingNumber(header?.revision ?? 0)).toBe(bench.store.revision);
    expect(await bench.keys()).toEqual(["m/abc"]);
  });

  it("gives it again to the lease that has it", async () => {
    await bench.answered(bench.lock(1n));
    const { revision } = bench.store;
    await bench.answered(bench.lock(1n));
    expect(bench.store.revision).toBe(revision);
  });

  it("makes others wait, in the order in which they came", async () => {
    await bench.answered(bench.lock(1n));
    const second = bench.lock(2n);
    await bench.pass();
    const third = bench.lock(3n);
    await bench.pass(5000);
    expect([keyOf(second), keyOf(third)]).toEqual([undefined, undefined]);
    await bench.answered(bench.unlock("m/1"));
    expect([keyOf(second), keyOf(third)]).toEqual(["m/2", undefined]);
    await bench.answered(bench.unlock("m/2"));
    expect(keyOf(third)).toBe("m/3");
  });

  it("asks nothing of the cluster while it waits", async () => {
    await bench.answered(bench.lock(1n));
    bench.lock(2n);
    await bench.pass(100);
    const asked = bench.parts.nodes.map(({ reads, proposals }) => reads.length + proposals.length);
    await bench.pass(10_000);
    expect(bench.parts.nodes.map(({ reads, proposals }) => reads.length + proposals.length)).toEqual(asked);
  });

  it("answers that the session has expired as soon as the key of one who waits is gone", async () => {
    await bench.answered(bench.lock(1n));
    const second = bench.lock(2n);
    await bench.pass();
    await bench.revoke(2n);
    expect(keyOf(second)).toBe("2 mutex: session is expired");
  });

  it("does not give the lock to a lease that ended together with that of the owner", async () => {
    await bench.answered(bench.lock(1n));
    const second = bench.lock(2n);
    await bench.pass();
    bench.store.hold();
    await bench.revoke(1n);
    await bench.revoke(2n);
    expect(keyOf(second)).toBeUndefined();
    bench.store.release();
    await bench.pass();
    expect(keyOf(second)).toBe("2 mutex: session is expired");
  });

  it("misses no deletion between its look and its watch", async () => {
    await bench.answered(bench.lock(1n));
    const deletion = etcdserverpb.DeleteRangeRequest.encode({ key: utf8("m/1") }).finish();
    for (const node of bench.parts.nodes) {
      node.read = (read) => {
        const answer = bench.store.read(read.reads);
        bench.store.propose([{ kind: "delete-range", bytes: deletion }]);
        return answer;
      };
    }
    const second = bench.lock(2n);
    await bench.pass(100);
    expect(keyOf(second)).toBe("m/2");
  });

  it("gives the place up of a caller who goes, and lets the next one through", async () => {
    await bench.answered(bench.lock(1n));
    const second = bench.lock(2n);
    await bench.pass();
    const third = bench.lock(3n);
    await bench.pass();
    second.abandon();
    await bench.pass();
    expect(await bench.keys()).toEqual(["m/1", "m/3"]);
    await bench.answered(bench.unlock("m/1"));
    expect([keyOf(second), keyOf(third)]).toEqual([undefined, "m/3"]);
    expect(bench.parts.gateway.idle).toBe(true);
  });

  it("gives a lock up that a caller got after it had gone", async () => {
    const asked = bench.lock(1n);
    asked.abandon();
    await bench.pass();
    expect(await bench.keys()).toEqual([]);
  });

  it("keeps a lock whose owner asks for it again and goes", async () => {
    await bench.answered(bench.lock(1n));
    bench.lock(1n).abandon();
    await bench.pass();
    expect(await bench.keys()).toEqual(["m/1"]);
  });

  it("gives the place up at the deadline of its caller, and says so", async () => {
    await bench.answered(bench.lock(1n));
    const second = bench.lock(2n, { timeoutMs: 500 });
    await bench.pass(490);
    expect(keyOf(second)).toBeUndefined();
    await bench.pass(50);
    expect(keyOf(second)).toBe("4 context deadline exceeded");
    expect(await bench.keys()).toEqual(["m/1"]);
  });

  it("gives the place up however long the cluster does not answer", async () => {
    await bench.answered(bench.lock(1n));
    const second = bench.lock(2n);
    await bench.pass();
    const { propose } = bench.parts.nodes[0];
    bench.parts.nodes[0].propose = () => undefined;
    second.abandon();
    await bench.pass(20_000);
    expect(bench.parts.gateway.recipeCalls.idle).toBe(false);
    bench.parts.nodes[0].propose = propose;
    await bench.pass(8000);
    expect(await bench.keys()).toEqual(["m/1"]);
    expect(bench.parts.gateway.recipeCalls.idle).toBe(true);
  });

  it("goes on waiting where it was when the fan-out is gone and the leader another one", async () => {
    await bench.answered(bench.lock(1n));
    const second = bench.lock(2n);
    await bench.pass();
    bench.parts.network.crash("fanout1");
    bench.startFanout(2); // knows only what happens from now on
    bench.parts.nodes[0].propose = () => refuse("not-leader", 6, bench.parts.nodes[1].options.member);
    for (const node of bench.parts.nodes) node.follows(bench.parts.nodes[1].options.member, 6);
    await bench.answered(bench.unlock("m/1"));
    await bench.pass(5000);
    expect(keyOf(second)).toBe("m/2");
  });

  it("looks again if compaction has taken what it waits for", async () => {
    await bench.answered(bench.lock(1n));
    const second = bench.lock(2n);
    await bench.pass();
    bench.parts.network.crash("fanout1");
    await bench.answered(bench.unlock("m/1"));
    bench.lock(3n);
    await bench.pass();
    bench.startFanout(2);
    bench.store.fanout!.hub.compacted(bench.store.revision as Revision);
    await bench.pass(5000);
    expect(keyOf(second)).toBe("m/2");
  });

  it("grants a lease of a minute to who has none, and does not keep it alive", async () => {
    expect(keyOf(bench.lock(0n))).toBeUndefined();
    await bench.pass();
    expect(await bench.keys()).toEqual(["m/1ea5e"]);
    await bench.pass(60_000);
    expect(bench.parts.nodes.flatMap(({ leaseAsks }) => leaseAsks)).toEqual([]);
  });

  it("hands on what the store says, without the code, as etcd does", async () => {
    const unknown = bench.lock(77n);
    const nothing = bench.unlock("");
    await bench.pass();
    expect(keyOf(unknown)).toBe("2 etcdserver: requested lease not found");
    expect(nothing.failure).toBe("2 etcdserver: key is not provided");
    await bench.answered(bench.unlock("no such key"));
  });

  it("refuses what cannot be read, and what must have a leader when there is none", () => {
    const bytes = { finish: () => utf8("\x0a\xff") };
    const malformed = bench.ask(bench.parts.gateway.lock.lock, bytes, LockResponse);
    expect(malformed.failure).toMatch(/^13 grpc: error unmarshalling request/);
    bench.parts.nodes[0].follows(undefined, 6);
    bench.time.advance(10);
    expect(keyOf(bench.lock(1n, { requireLeader: true }))).toBe("14 etcdserver: no leader");
  });

  it("ends with the gateway, after it has given its place up", async () => {
    await bench.answered(bench.lock(1n));
    const second = bench.lock(2n);
    await bench.pass();
    bench.parts.gateway.recipeCalls.stop();
    await bench.pass();
    expect(keyOf(second)).toBe("14 etcdserver: server stopped");
    expect(keyOf(bench.lock(3n))).toBe("14 etcdserver: server stopped");
    expect(await bench.keys()).toEqual(["m/1"]);
  });
});
