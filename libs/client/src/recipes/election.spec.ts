import type { KeyValue } from "../key-value";
import { RecipeBench } from "../testing/recipe-bench";
import { ClaimLostError } from "./claim";
import type { Election } from "./election";

/** Notes what an observer is told. */
function note(
  election: Election,
  signal: AbortSignal,
): { readonly told: string[]; readonly end: Promise<void> } {
  const told: string[] = [];
  const end = (async () => {
    for await (const leader of election.observe({ signal })) told.push(described(leader));
  })();
  return { told, end };
}

function described({ keyText, text }: KeyValue): string {
  return `${keyText}=${text}`;
}

describe("Election", () => {
  it("has one leader at a time, whose value everybody can see", async () => {
    const bench = new RecipeBench();
    const [one, two] = [bench.client("one").election("head"), bench.client("two").election("head")];
    expect(await bench.settled(one.leader())).toBeUndefined();
    const first = await bench.settled(one.campaign("one:80"));
    const campaigning = two.campaign("two:80");
    await bench.pass(100);
    expect(described((await bench.settled(two.leader()))!)).toBe("head/a1=one:80");
    await bench.settled(first.resign());
    const second = await bench.settled(campaigning);
    expect(described((await bench.settled(one.leader()))!)).toBe("head/a2=two:80");
    expect(second.fencingToken).toBeGreaterThan(first.fencingToken);
  });

  it("lets the leader change what it tells, and nobody who leads no more", async () => {
    const bench = new RecipeBench();
    const client = bench.client("one");
    const election = client.election("head");
    const leadership = await bench.settled(election.campaign("starting"));
    await bench.settled(leadership.proclaim("ready"));
    const leader = await bench.settled(election.leader());
    expect(leader).toMatchObject({ text: "ready", createRevision: leadership.fencingToken, lease: 0xa1n });
    bench.cluster.revoke(leadership.leaseId);
    const proclaiming = leadership.proclaim("still here");
    await expect(bench.settled(proclaiming)).rejects.toBeInstanceOf(ClaimLostError);
    expect(leadership.lost.aborted).toBe(true);
    expect(bench.cluster.keys).toEqual([]);
  });

  it("tells observers of the leader now, of proclamations and of new leaders", async () => {
    const bench = new RecipeBench();
    const [one, two] = [bench.client("one").election("head"), bench.client("two").election("head")];
    const abort = new AbortController();
    const early = note(bench.client("three").election("head"), abort.signal);
    await bench.pass(100);
    expect(early.told).toEqual([]);
    const first = await bench.settled(one.campaign("1"));
    const campaigning = two.campaign("2");
    await bench.pass(100);
    await bench.settled(first.proclaim("1 ready"));
    const late = note(bench.client("four").election("head"), abort.signal);
    await bench.pass(100);
    await bench.settled(first.resign());
    await bench.settled(campaigning);
    await bench.pass(100);
    expect(early.told).toEqual(["head/a1=1", "head/a1=1 ready", "head/a2=2"]);
    expect(late.told).toEqual(["head/a1=1 ready", "head/a2=2"]);
    abort.abort();
    await bench.settled(Promise.all([early.end, late.end]));
  });

  it("looks again where history was compacted, and tells nothing twice", async () => {
    const bench = new RecipeBench();
    const leadership = await bench.settled(bench.client("one").election("head").campaign("1"));
    const abort = new AbortController();
    bench.cluster.compactsAfterBatch = true;
    const { told, end } = note(bench.client("two").election("head"), abort.signal);
    await bench.pass(100);
    bench.cluster.compactsAfterBatch = false;
    await bench.settled(leadership.proclaim("1 ready"));
    await bench.pass(100);
    expect(told).toEqual(["head/a1=1", "head/a1=1 ready"]);
    abort.abort();
    await bench.settled(end);
  });

  it("ends observing with the client, also while there is no leader", async () => {
    const bench = new RecipeBench();
    const client = bench.client("one");
    const { told, end } = note(client.election("head"), new AbortController().signal);
    await bench.pass(100);
    await bench.settled(client.close());
    await bench.settled(end);
    expect(told).toEqual([]);
  });

  it("hands over when the leader is cut off for its TTL, and tells it", async () => {
    const bench = new RecipeBench();
    const [one, two] = [
      bench.client("one").election("head", { ttlSeconds: 3 }),
      bench.client("two").election("head"),
    ];
    const first = await bench.settled(one.campaign("1"));
    const campaigning = two.campaign("2");
    await bench.pass(100);
    bench.network.faults.cut("one", "cluster");
    const lostAt = new Promise<number>((resolve) => {
      first.lost.addEventListener("abort", () => resolve(bench.time.now()));
    });
    await bench.settled(campaigning);
    expect(await lostAt).toBeLessThanOrEqual(bench.time.now());
    expect(first.lost.reason).toBeInstanceOf(ClaimLostError);
  });
});
