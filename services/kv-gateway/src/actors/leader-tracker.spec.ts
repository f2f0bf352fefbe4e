import { Bench, memberId } from "../testing/bench";
import type { ScriptedNode } from "../testing/scripted-node";
import { LeaderTracker } from "./leader-tracker";

function threeNodes(bench: Bench): [ScriptedNode, ScriptedNode, ScriptedNode] {
  return bench.nodes(3) as [ScriptedNode, ScriptedNode, ScriptedNode];
}

describe("LeaderTracker", () => {
  it("asks at the start, so that it learns of a leader elected long before", () => {
    const bench = new Bench();
    const [first] = threeNodes(bench);
    first.term = 5 as typeof first.term;
    first.leader = memberId(2);
    const { transport, subjects, time } = bench;
    const tracker = new LeaderTracker({ askIntervalMs: 200 }, { transport, subjects, clock: time });
    bench.settle();
    expect(tracker.leader).toMatchObject({ member: 2n, term: 5 });
  });

  it("keeps asking until there is a leader", () => {
    const bench = new Bench();
    const [first] = threeNodes(bench);
    bench.time.advance(1000);
    expect(bench.tracker.leader).toBeUndefined();
    first.term = 5 as typeof first.term;
    first.leader = memberId(1);
    bench.time.advance(200);
    expect(bench.tracker.leader).toMatchObject({ member: 1n, term: 5 });
  });

  it("follows the highest term and ignores late news of lower ones", () => {
    const bench = new Bench();
    const [first, second, third] = threeNodes(bench);
    first.leads(5);
    second.leads(7);
    third.follows(memberId(1), 6);
    bench.settle();
    expect(bench.tracker.leader).toMatchObject({ member: 2n, term: 7 });
  });

  it("knows no leader once a node has seen a later term without one", () => {
    const bench = new Bench();
    const [first, second] = threeNodes(bench);
    first.leads(5);
    bench.settle();
    second.follows(undefined, 6);
    bench.settle();
    expect(bench.tracker.leader).toBeUndefined();
    expect(bench.tracker.newest).toMatchObject({ member: 1n, term: 5 });
  });

  it("believes a member that was started anew in an earlier term, which its disk never held", () => {
    const bench = new Bench();
    const [first] = threeNodes(bench);
    first.follows(undefined, 7);
    bench.settle();
    first.leads(2);
    bench.settle();
    expect(bench.tracker.leader).toMatchObject({ member: 1n, term: 2 });
  });

  it("believes a leader that says it stepped down, but not a follower that merely lost sight of it", () => {
    const bench = new Bench();
    const [first, second] = threeNodes(bench);
    first.leads(5);
    second.follows(memberId(1), 5);
    bench.settle();
    second.follows(undefined, 5);
    bench.settle();
    expect(bench.tracker.leader).toMatchObject({ member: 1n });
    first.follows(undefined, 5);
    bench.settle();
    expect(bench.tracker.leader).toBeUndefined();
  });

  it("forgets a leader in doubt until a node names it again, and then knows since when it leads", () => {
    const bench = new Bench();
    const [first] = threeNodes(bench);
    first.leads(5);
    bench.time.advance(50);
    const known = bench.tracker.leader!;
    bench.tracker.doubt(known);
    expect(bench.tracker.leader).toBeUndefined();
    bench.time.advance(50);
    expect(bench.tracker.leader).toEqual(known);
  });

  it("tells listeners of changes only", () => {
    const bench = new Bench();
    const [first, second] = threeNodes(bench);
    let changes = 0;
    bench.tracker.onChange(() => (changes += 1));
    first.leads(5);
    second.follows(memberId(1), 5);
    bench.settle();
    expect(changes).toBe(1);
    second.leads(6);
    bench.settle();
    expect(changes).toBe(2);
  });

  it("asks again after its connection was down", () => {
    const bench = new Bench();
    const [first, second] = threeNodes(bench);
    first.leads(5);
    bench.settle();
    bench.network.disconnect("gateway");
    second.leads(6);
    bench.settle();
    expect(bench.tracker.leader).toMatchObject({ term: 5 });
    bench.network.reconnect("gateway");
    bench.settle();
    expect(bench.tracker.leader).toMatchObject({ member: 2n, term: 6 });
  });

  it("ignores what is no notice", () => {
    const bench = new Bench();
    const [first] = threeNodes(bench);
    bench.connect("stranger").publish(bench.subjects.leader, new Uint8Array([0xff, 0xff]));
    first.leads(5);
    bench.settle();
    expect(bench.tracker.leader).toMatchObject({ member: 1n });
  });
});
