import { systemClock, systemScheduler, VirtualTime } from "@quorate/actor";
import { seededPrng, textOf, utf8 } from "@quorate/base";
import { MemoryNetwork, type MemoryNetworkOptions } from "./memory-network";
import type { RequestResult } from "./transport";
import { transportContract } from "./transport.contract";

for (const faults of [{}, { delayMs: { min: 0, max: 2 } }]) {
  transportContract(`the in-memory network with faults ${JSON.stringify(faults)}`, () => {
    const network = new MemoryNetwork(
      { fragmentBytes: 1000, faults },
      { clock: systemClock, scheduler: systemScheduler, prng: seededPrng(7) },
    );
    return Promise.resolve({
      fragmentBytes: 1000,
      connect: (name) => Promise.resolve(network.connect(name)),
      stop: () => Promise.resolve(),
    });
  });
}

describe("the in-memory network", () => {
  function start(options: MemoryNetworkOptions = {}, seed = 1) {
    const time = new VirtualTime();
    const network = new MemoryNetwork(options, { clock: time, scheduler: time, prng: seededPrng(seed) });
    return { time, network };
  }

  /** Sends 1..count from a to b and tells what arrived, and when. */
  function run(options: MemoryNetworkOptions, count: number, seed?: number) {
    const { time, network } = start(options, seed);
    const [a, b] = [network.connect("a"), network.connect("b")];
    const arrived: { readonly text: string; readonly at: number }[] = [];
    b.subscribe("x", ({ payload }) => arrived.push({ text: textOf(payload), at: time.now() }));
    for (let at = 1; at <= count; at += 1) a.publish("x", utf8(`${at}`));
    time.advance(1000);
    return arrived;
  }

  it("drops what wants its answer where a client says that none may go", () => {
    const { time, network } = start({ acceptsReply: (reply) => !reply.startsWith("inside.") });
    const [asker, service] = [network.connect("asker"), network.connect("service")];
    const asked: (string | undefined)[] = [];
    service.subscribe("x", ({ reply }) => asked.push(reply));
    asker.publish("x", utf8("1"), { reply: "inside.raft" });
    asker.publish("x", utf8("2"), { reply: "mine.0" });
    asker.publish("x", utf8("3"));
    time.advance(1000);
    expect(asked).toEqual(["mine.0", undefined]);
  });

  it("repeats every delivery for the same seed, and not for another", () => {
    const faults = {
      delayMs: { min: 1, max: 50 },
      lossChance: 0.1,
      duplicateChance: 0.1,
      reorderChance: 0.2,
    };
    expect(run({ faults }, 100, 5)).toEqual(run({ faults }, 100, 5));
    expect(run({ faults }, 100, 5)).not.toEqual(run({ faults }, 100, 6));
  });

  it("keeps the order of a sender and receiver whatever the delays", () => {
    const arrived = run({ faults: { delayMs: { min: 5, max: 50 } } }, 50);
    expect(arrived.map(({ text }) => Number(text))).toEqual(Array.from({ length: 50 }, (_, at) => at + 1));
    expect(arrived[0]!.at).toBeGreaterThanOrEqual(5);
    expect(arrived.at(-1)!.at).toBeLessThanOrEqual(50);
  });

  it("loses, doubles and reorders as told", () => {
    expect(run({ faults: { lossChance: 1 } }, 10)).toEqual([]);
    expect(run({ faults: { duplicateChance: 1 } }, 10)).toHaveLength(20);
    const reordered = run({ faults: { reorderChance: 0.5 } }, 50).map(({ text }) => Number(text));
    expect(reordered).toHaveLength(50);
    expect(reordered).not.toEqual([...reordered].sort((left, right) => left - right));
  });

  it("overwrites payloads after the handler, so that kept views show", () => {
    const { time, network } = start();
    const [a, b] = [network.connect("a"), network.connect("b")];
    const kept: Uint8Array[] = [];
    b.subscribe("x", ({ payload }) => kept.push(payload));
    a.publish("x", utf8("fine"));
    time.advance(0);
    expect([...kept[0]!]).toEqual([0xdd, 0xdd, 0xdd, 0xdd]);
    expect(kept[0]!.buffer.byteLength).toBeGreaterThan(4);
  });

  it("cuts one way or both, also what is under way, until mended", () => {
    const { time, network } = start({ faults: { delayMs: { min: 10, max: 10 } } });
    const [a, b] = [network.connect("a"), network.connect("b")];
    const arrived: string[] = [];
    for (const transport of [a, b])
      transport.subscribe("x.*", ({ payload }) => arrived.push(textOf(payload)));
    const both = (): string[] => {
      arrived.length = 0;
      a.publish("x.b", utf8("a"));
      b.publish("x.a", utf8("b"));
      time.advance(20);
      return [...arrived].sort();
    };
    expect(both()).toEqual(["a", "a", "b", "b"]);
    network.faults.cutOneWay("a", "b");
    expect(both()).toEqual(["a", "b", "b"]);
    network.faults.cut("a", "b");
    expect(both()).toEqual(["a", "b"]);
    network.faults.mend("a", "b");
    expect(both()).toEqual(["a", "a", "b", "b"]);
    arrived.length = 0;
    a.publish("x.b", utf8("cut while under way"));
    time.advance(5);
    network.faults.cut("a", "b");
    time.advance(20);
    network.heal();
    time.advance(20);
    expect(arrived.filter((text) => text === "cut while under way")).toHaveLength(1); // only a itself
  });

  it("lets faults between two clients stand above those of everyone", () => {
    const { time, network } = start();
    const [a, b, c] = [network.connect("a"), network.connect("b"), network.connect("c")];
    const arrived: string[] = [];
    b.subscribe("x", () => arrived.push("b"));
    c.subscribe("x", () => arrived.push("c"));
    network.faults.setEverywhere({ lossChance: 1 });
    network.faults.setOneWay("a", "b", { lossChance: 0 });
    a.publish("x", utf8("1"));
    time.advance(1);
    expect(arrived).toEqual(["b"]);
    network.heal();
    a.publish("x", utf8("2"));
    time.advance(1);
    expect(arrived).toEqual(["b", "b", "c"]);
  });

  it("tells a disconnected client so, loses what travels, and keeps its subscriptions for later", () => {
    const { time, network } = start({ faults: { delayMs: { min: 10, max: 10 } } });
    const [a, b] = [network.connect("a"), network.connect("b")];
    const arrived: string[] = [];
    const statuses: string[] = [];
    const results: RequestResult[] = [];
    b.subscribe("x", ({ payload }) => arrived.push(textOf(payload)));
    b.onStatus((status) => statuses.push(status));
    b.subscribe("y", () => {});
    b.request("y", utf8("?"), { timeoutMs: 1000 }, (result) => results.push(result));
    a.publish("x", utf8("lost"));
    network.disconnect("b");
    expect([b.status, b.publish("y", utf8("no"))]).toEqual(["disconnected", false]);
    b.request("y", utf8("?"), { timeoutMs: 1000 }, (result) => results.push(result));
    a.request("x", utf8("?"), { timeoutMs: 1000 }, (result) => results.push(result));
    time.advance(5);
    network.reconnect("b");
    a.publish("x", utf8("arrives"));
    time.advance(20);
    expect(arrived).toEqual(["arrives"]);
    expect(statuses).toEqual(["disconnected", "connected"]);
    expect(results).toEqual([
      { kind: "no-answer", why: "disconnected" },
      { kind: "not-sent" },
      { kind: "no-responders" },
    ]);
  });

  it("silences a crashed client completely", () => {
    const { time, network } = start();
    const [a, b] = [network.connect("a"), network.connect("b")];
    const heard: unknown[] = [];
    b.subscribe("x", (message) => heard.push(message.subject));
    b.onStatus((status) => heard.push(status));
    a.subscribe("y", () => {});
    b.request("y", utf8("?"), { timeoutMs: 50 }, (result) => heard.push(result));
    a.publish("x", utf8("too late"));
    network.crash("b");
    time.advance(1000);
    expect(heard).toEqual([]);
    expect([b.status, b.publish("y", utf8("no"))]).toEqual(["closed", false]);
    const reborn = network.connect("b");
    reborn.subscribe("x", ({ payload }) => heard.push(textOf(payload)));
    a.publish("x", utf8("hello again"));
    time.advance(0);
    expect(heard).toEqual(["hello again"]);
  });

  it("holds up what is sent into a clogged direction, and lets it through in order", () => {
    const { time, network } = start();
    const [a, b] = [network.connect("a"), network.connect("b")];
    const arrived: [string, number][] = [];
    for (const transport of [a, b])
      transport.subscribe("x.*", ({ payload }) => arrived.push([textOf(payload), time.now()]));
    network.faults.clogOneWay("a", "b", 3000);
    a.publish("x.1", utf8("1"));
    time.advance(1000);
    a.publish("x.2", utf8("2"));
    b.publish("x.3", utf8("3"));
    time.advance(3000);
    a.publish("x.4", utf8("4"));
    time.advance(1);
    const atB = arrived.filter(([, at]) => at >= 3000);
    expect(atB.slice(0, 2)).toEqual([
      ["1", 3000],
      ["2", 3000],
    ]);
    expect(arrived.filter(([text]) => text === "3").map(([, at]) => at)).toEqual([1000, 1000]);
    expect(arrived.filter(([text]) => text === "4").map(([, at]) => at)).toEqual([4000, 4000]);
  });

  it("sends past subscriptions that are not known yet, also after a reconnection", () => {
    const { time, network } = start({ faults: { interestLagMs: 100 } });
    const [a, b] = [network.connect("a"), network.connect("b")];
    const arrived: string[] = [];
    const results: RequestResult[] = [];
    time.advance(500);
    b.subscribe("x", ({ payload }) => arrived.push(textOf(payload)));
    a.publish("x", utf8("too early"));
    a.request("x", utf8("?"), { timeoutMs: 1000 }, (result) => results.push(result));
    time.advance(100);
    a.publish("x", utf8("known"));
    time.advance(1);
    network.disconnect("b");
    network.reconnect("b");
    a.publish("x", utf8("too early again"));
    time.advance(100);
    a.publish("x", utf8("known again"));
    time.advance(1);
    expect(arrived).toEqual(["known", "known again"]);
    expect(results).toEqual([{ kind: "no-responders" }]);
  });

  it.each([
    [0, []],
    [1, ["reached"]],
  ])("with a chance of %d lets outlive its sender what had reached the broker", (outliveChance, expected) => {
    const { time, network } = start({ faults: { delayMs: { min: 10, max: 10 }, outliveChance } });
    const [a, b] = [network.connect("a"), network.connect("b")];
    const arrived: string[] = [];
    b.subscribe("x", ({ payload }) => arrived.push(textOf(payload)));
    a.publish("x", utf8("reached"));
    time.advance(6);
    a.publish("x", utf8("still in the sender's buffer"));
    network.crash("a");
    time.advance(100);
    expect(arrived).toEqual(expected);
  });

  it("sends old messages once more, to whoever subscribes now, and none that nobody had wanted", () => {
    const { time, network } = start({ sentKept: 100 });
    const [a, b] = [network.connect("a"), network.connect("b")];
    const arrived: string[] = [];
    a.publish("x", utf8("unwanted"));
    b.subscribe("x", () => undefined);
    for (const text of ["1", "2", "3", "4"]) a.publish("x", utf8(text));
    time.advance(1000);
    network.crash("b");
    network.connect("b").subscribe("x", ({ payload }) => arrived.push(textOf(payload)));
    expect(network.replay(0.5, 10)).toBe(2);
    expect(network.replay(0, 1)).toBe(1);
    time.advance(1);
    expect(arrived).toEqual(["3", "4", "1"]);
  });

  it("keeps old messages of all of its time, however many there are", () => {
    const { time, network } = start({ sentKept: 10 });
    const [a, b] = [network.connect("a"), network.connect("b")];
    const arrived: number[] = [];
    b.subscribe("x", ({ payload }) => arrived.push(Number(textOf(payload))));
    for (let at = 0; at < 1000; at += 1) a.publish("x", utf8(`${at}`));
    time.advance(1);
    arrived.length = 0;
    network.replay(0, 10);
    time.advance(1);
    expect(arrived.length).toBeGreaterThanOrEqual(5);
    expect([arrived[0]! < 200, arrived.at(-1)! > 800]).toEqual([true, true]);
  });

  it("reassembles fragments under loss, doubling and reordering, or drops the message", () => {
    const { time, network } = start(
      {
        fragmentBytes: 100,
        reassemblyTimeoutMs: 500,
        faults: { delayMs: { min: 0, max: 5 }, lossChance: 0.05, duplicateChance: 0.2, reorderChance: 0.5 },
      },
      11,
    );
    const [a, b] = [network.connect("a"), network.connect("b")];
    const sums = new Map<number, number>();
    b.subscribe("x", ({ payload, headers }) => {
      expect(payload.every((byte) => byte === payload[0])).toBe(true);
      expect([payload.length, headers]).toEqual([450, undefined]);
      sums.set(payload[0]!, (sums.get(payload[0]!) ?? 0) + 1);
    });
    for (let at = 0; at < 100; at += 1) a.publish("x", new Uint8Array(450).fill(at));
    time.advance(2000);
    expect(sums.size).toBeGreaterThan(50);
    expect(sums.size).toBeLessThan(100);
  });
});
