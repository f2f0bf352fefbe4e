import { NewestRevision } from "./newest-revision";
import { etcdserverpb } from "@quorate/wire";
import { Bench, memberId } from "../testing/bench";
import { acceptAll, refuse, responseAt, type ScriptedNode } from "../testing/scripted-node";
import { Proposer, type ProposerOptions } from "./proposer";

const OPTIONS: ProposerOptions = {
  gateway: 0xdeadbeefn,
  batchesInFlightMax: 2,
  queue: { callsMax: 100, bytesMax: 1 << 20, batchCallsMax: 10, batchBytesMax: 1000 },
  deposedGraceMs: 1000,
  backOff: { firstMs: 20, maxMs: 500 },
};

/** A proposer and three nodes, the first of which leads term 5. */
function start(options: Partial<ProposerOptions> = {}): {
  bench: Bench;
  proposer: Proposer;
  nodes: ScriptedNode[];
  leader: ScriptedNode;
  other: ScriptedNode;
} {
  const bench = new Bench();
  const nodes = bench.nodes(3);
  const [leader, other, third] = nodes as [ScriptedNode, ScriptedNode, ScriptedNode];
  const proposer = new Proposer(
    { ...OPTIONS, ...options },
    {
      ...pick(bench),
      clock: bench.time,
      scheduler: bench.time,
      answerAs: () => memberId(3),
      newest: new NewestRevision(),
    },
  );
  leader.leads(5);
  other.follows(memberId(1), 5);
  third.follows(memberId(1), 5);
  bench.settle();
  return { bench, proposer, nodes, leader, other };
}

function pick(bench: Bench): Pick<Bench, "transport" | "subjects" | "tracker" | "timeoutCause"> {
  const { transport, subjects, tracker, timeoutCause } = bench;
  return { transport, subjects, tracker, timeoutCause };
}

/** Makes `next` the leader of `term` in everybody's eyes. */
function elect(nodes: readonly ScriptedNode[], next: ScriptedNode, term: number): void {
  for (const node of nodes) node.follows(next.options.member, term);
}

describe("Proposer", () => {
  it("sends all calls of one turn to the leader as one batch, in order, with the clients' own bytes", () => {
    const { bench, proposer, leader } = start();
    const puts = ["a", "b", "c"].map((key) => bench.put(key));
    for (const { call } of puts) proposer.tell(call);
    bench.settle();
    expect(leader.proposals).toHaveLength(1);
    expect(leader.proposals[0]).toMatchObject({
      expectedTerm: 5,
      gateway: 0xdeadbeefn,
      sequence: 1,
      answerAs: 3n,
    });
    expect(leader.proposals[0]!.commands.map(({ bytes }) => Buffer.from(bytes))).toEqual(
      puts.map(({ call }) => Buffer.from(call.bytes)),
    );
  });

  it("hands each caller the response bytes of its own command, as they came", () => {
    const { bench, proposer, leader } = start();
    leader.propose = ({ commands }) => acceptAll(commands.length, 41);
    const puts = ["a", "b"].map((key) => bench.put(key));
    for (const { call } of puts) proposer.tell(call);
    bench.settle();
    expect(puts.map(({ seen }) => seen)).toEqual([{ ok: responseAt(41) }, { ok: responseAt(42) }]);
  });

  it("tells a failed command's caller why, and only that one", () => {
    const { bench, proposer, leader } = start();
    leader.propose = () => ({
      kind: "results",
      results: [
        { ok: false, failure: { code: "lease-not-found", detail: "" } },
        { ok: true, bytes: responseAt(2) },
      ],
    });
    const [a, b] = [bench.put("a"), bench.put("b")];
    proposer.tell(a.call);
    proposer.tell(b.call);
    bench.settle();
    expect(a.seen).toEqual({ code: "lease-not-found", unknown: false });
    expect(b.seen).toEqual({ ok: responseAt(2) });
  });

  it("leaves open what a member was asked that has started anew since, and asks it nothing more in that term", () => {
    const { bench, proposer, nodes, leader } = start();
    leader.propose = () => refuse("restarted", 5, undefined);
    const [before, after] = [bench.put("a"), bench.put("b")];
    proposer.tell(before.call);
    bench.settle();
    expect(before.seen).toMatchObject({ unknown: true });
    elect(nodes, leader, 5); // others may still believe in it
    proposer.tell(after.call);
    bench.time.advance(1000);
    expect(leader.proposals).toHaveLength(1);
    leader.propose = ({ commands }) => acceptAll(commands.length, 41);
    elect(nodes, leader, 6);
    bench.time.advance(1000);
    expect(after.seen).toEqual({ ok: responseAt(41) });
  });

  it("gathers what arrives while the window is full into the next batch", () => {
    const { bench, proposer, leader } = start();
    leader.propose = () => undefined;
    for (const timeoutMs of [100, 100, 5000, 5000, 5000]) {
      proposer.tell(bench.put("a", timeoutMs).call);
      bench.settle();
    }
    expect(leader.proposals.map(({ commands }) => commands.length)).toEqual([1, 1]);
    bench.time.advance(100); // the first two are given up
    expect(leader.proposals.map(({ commands }) => commands.length)).toEqual([1, 1, 3]);
  });

  it("limits a batch by calls and by bytes, and sends a larger call alone", () => {
    const { bench, proposer, leader } = start({ batchesInFlightMax: 10 });
    for (let at = 0; at < 12; at += 1) proposer.tell(bench.put(`k${at}`).call);
    bench.settle();
    expect(leader.proposals.map(({ commands }) => commands.length)).toEqual([10, 2]);
    leader.proposals.length = 0;
    const sizes = [600, 600, 5000, 10];
    for (const size of sizes) proposer.tell(bench.put("k", 7000, new Uint8Array(size)).call);
    bench.settle();
    expect(leader.proposals.map(({ commands }) => commands.length)).toEqual([1, 1, 1, 1]);
  });

  it("sends refused calls again, to the leader and term that the refusal named", () => {
    const { bench, proposer, leader, other } = start();
    leader.propose = () => refuse("not-leader", 6, memberId(2));
    const put = bench.put("a");
    proposer.tell(put.call);
    bench.settle();
    expect(leader.proposals).toHaveLength(1);
    expect(other.proposals).toMatchObject([{ expectedTerm: 6, sequence: 2 }]);
    expect(put.seen).toEqual({ ok: responseAt(2) });
  });

  it.each(["not-leader", "wrong-term", "stopping", "superseded"] as const)(
    "tries again after %s with growing pauses as long as the leader stays the same",
    (reason) => {
      const { bench, proposer, leader } = start();
      leader.propose = () => refuse(reason, 5, memberId(1));
      const put = bench.put("a");
      proposer.tell(put.call);
      bench.time.advance(19);
      expect(leader.proposals).toHaveLength(1);
      bench.time.advance(1);
      expect(leader.proposals).toHaveLength(2);
      bench.time.advance(39);
      expect(leader.proposals).toHaveLength(2);
      leader.propose = ({ commands }) => acceptAll(commands.length);
      bench.time.advance(1);
      expect(put.seen).toEqual({ ok: responseAt(2) });
    },
  );

  it("keeps the calls when nobody is subscribed for the leader, and sends them to the next one", () => {
    const { bench, proposer, nodes, leader, other } = start();
    bench.network.crash("node-1");
    const put = bench.put("a");
    proposer.tell(put.call);
    bench.time.advance(300);
    expect(put.seen).toBeUndefined();
    elect(
      nodes.filter((node) => node !== leader),
      other,
      6,
    );
    bench.time.advance(300);
    expect(other.proposals).toMatchObject([{ expectedTerm: 6 }]);
    expect(put.seen).toEqual({ ok: responseAt(2) });
  });

  it("keeps the calls while it is not connected", () => {
    const { bench, proposer } = start();
    bench.network.disconnect("gateway");
    const put = bench.put("a");
    proposer.tell(put.call);
    bench.time.advance(1000);
    expect(put.seen).toBeUndefined();
    bench.network.reconnect("gateway");
    bench.time.advance(1000);
    expect(put.seen).toEqual({ ok: responseAt(2) });
  });

  it("never sends a call again that got no answer: its outcome is unknown", () => {
    const { bench, proposer, nodes, leader, other } = start();
    leader.propose = () => undefined;
    const put = bench.put("a");
    proposer.tell(put.call);
    bench.time.advance(7000);
    expect(put.seen).toEqual({ code: "timeout", unknown: true });
    elect(nodes, other, 6);
    bench.time.advance(20_000);
    expect(leader.proposals).toHaveLength(1);
    expect(other.proposals).toHaveLength(0);
  });

  it("calls the outcome unknown when the connection breaks before the answer, and does not send again", () => {
    const { bench, proposer, leader } = start();
    leader.propose = () => undefined;
    const put = bench.put("a");
    proposer.tell(put.call);
    bench.settle();
    bench.network.disconnect("gateway");
    bench.settle();
    expect(put.seen).toEqual({ code: "timeout-connection-lost", unknown: true });
    bench.network.reconnect("gateway");
    bench.time.advance(10_000);
    expect(leader.proposals).toHaveLength(1);
  });

  it("calls the outcome unknown when the answer cannot be read or does not fit the batch", () => {
    const { bench, proposer, leader } = start();
    leader.propose = () => acceptAll(3);
    const put = bench.put("a");
    proposer.tell(put.call);
    bench.settle();
    expect(put.seen).toEqual({ code: "timeout", unknown: true });
    expect(leader.proposals).toHaveLength(1);
  });

  it("gives a deposed leader one election timeout to answer, and blames its failure afterwards", () => {
    const { bench, proposer, nodes, leader, other } = start();
    leader.propose = () => undefined;
    const put = bench.put("a");
    proposer.tell(put.call);
    bench.time.advance(500);
    elect(nodes, other, 6);
    bench.time.advance(999);
    expect(put.seen).toBeUndefined();
    bench.time.advance(2);
    expect(put.seen).toEqual({ code: "timeout-leader-failed", unknown: true });
    expect(other.proposals).toHaveLength(0);
  });

  it("does not let batches at a deposed leader hold up those for the next one", () => {
    const { bench, proposer, nodes, leader, other } = start({ batchesInFlightMax: 1 });
    leader.propose = () => undefined;
    const put = bench.put("a");
    proposer.tell(put.call);
    bench.settle();
    elect(nodes, other, 6);
    const next = bench.put("b");
    proposer.tell(next.call);
    bench.settle();
    expect(next.seen).toEqual({ ok: responseAt(2) });
    expect(put.seen).toBeUndefined();
  });

  it("answers what could not be sent until its deadline as timed out, definitely without effect", () => {
    const bench = new Bench();
    bench.nodes(3);
    const proposer = new Proposer(OPTIONS, {
      ...pick(bench),
      clock: bench.time,
      scheduler: bench.time,
      answerAs: () => undefined,
      newest: new NewestRevision(),
    });
    const [soon, late] = [bench.put("a", 300), bench.put("b", 5000)];
    proposer.tell(late.call);
    proposer.tell(soon.call);
    bench.time.advance(310);
    expect(soon.seen).toEqual({ code: "timeout", unknown: false });
    expect(late.seen).toBeUndefined();
    bench.time.advance(4700);
    expect(late.seen).toEqual({ code: "timeout", unknown: false });
  });

  it("answers a call at its own deadline although others of its batch wait longer", () => {
    const { bench, proposer, leader } = start();
    leader.propose = () => undefined;
    const [soon, late] = [bench.put("a", 300), bench.put("b", 5000)];
    proposer.tell(soon.call);
    proposer.tell(late.call);
    bench.time.advance(310);
    expect(soon.seen).toEqual({ code: "timeout", unknown: true });
    expect(late.seen).toBeUndefined();
  });

  it("passes a leader's overload on instead of trying again", () => {
    const { bench, proposer, leader } = start();
    leader.propose = () => refuse("overloaded", 5, memberId(1));
    const put = bench.put("a");
    proposer.tell(put.call);
    bench.time.advance(1000);
    expect(put.seen).toEqual({ code: "too-many-requests", unknown: false });
    expect(leader.proposals).toHaveLength(1);
  });

  it("refuses what does not fit the queue", () => {
    const { bench, proposer, leader } = start({ queue: { ...OPTIONS.queue, callsMax: 2 } });
    leader.propose = () => undefined;
    const puts = ["a", "b", "c"].map((key) => bench.put(key));
    for (const { call } of puts) proposer.tell(call);
    expect(puts.map(({ seen }) => seen)).toEqual([
      undefined,
      undefined,
      { code: "too-many-requests", unknown: false },
    ]);
  });

  it("does not send a call whose caller went away", () => {
    const { bench, proposer, leader } = start();
    const [gone, here] = [bench.put("a"), bench.put("b")];
    proposer.tell(gone.call);
    proposer.tell(here.call);
    gone.call.abandon();
    bench.settle();
    expect(leader.proposals[0]!.commands).toHaveLength(1);
    expect(etcdserverpb.PutRequest.decode(leader.proposals[0]!.commands[0]!.bytes).key).toEqual(
      Buffer.from("b"),
    );
  });

  it("when it closes, tells what was sent from what was not", () => {
    const { bench, proposer, leader } = start({ batchesInFlightMax: 1 });
    leader.propose = () => undefined;
    const [sent, waiting, late] = [bench.put("a"), bench.put("b"), bench.put("c")];
    proposer.tell(sent.call);
    bench.settle();
    proposer.tell(waiting.call);
    proposer.stopIntake();
    proposer.tell(late.call);
    expect(proposer.idle).toBe(false);
    proposer.close();
    expect(sent.seen).toEqual({ code: "stopped", unknown: true });
    expect(waiting.seen).toEqual({ code: "stopped", unknown: false });
    expect(late.seen).toEqual({ code: "stopped", unknown: false });
  });
});
