import { systemClock, systemScheduler, VirtualTime } from "@quorate/actor";
import { seededPrng, textOf, utf8 } from "@quorate/base";
import { MemoryNetwork } from "./memory-network";
import { ProcessExchange } from "./process-exchange";
import type { RequestResult, Transport } from "./transport";
import { transportContract } from "./transport.contract";

transportContract("the in-memory network, all clients in one process", () => {
  const dependencies = { clock: systemClock, scheduler: systemScheduler, prng: seededPrng(7) };
  const network = new MemoryNetwork({ fragmentBytes: 1000 }, dependencies);
  const exchange = new ProcessExchange({ isOwn: () => false }, dependencies);
  return Promise.resolve({
    fragmentBytes: 1000,
    connect: (name) => Promise.resolve(network.connect(name, exchange)),
    stop: () => Promise.resolve(),
  });
});

describe("an exchange within a process", () => {
  /** Two services that share a process, and one elsewhere. Subjects that begin with "own" are answered in the process alone. */
  function start() {
    const time = new VirtualTime();
    const dependencies = { clock: time, scheduler: time, prng: seededPrng(1) };
    const network = new MemoryNetwork({ fragmentBytes: 1000 }, dependencies);
    const isOwn = (subject: string): boolean => subject.startsWith("own.");
    const exchange = new ProcessExchange({ isOwn }, dependencies);
    const node = network.connect("member", exchange);
    const gateway = network.connect("member", exchange);
    return { time, network, node, gateway, elsewhere: network.connect("elsewhere") };
  }

  type Place = ReturnType<typeof start>;

  function answer(transport: Transport, subject: string): string[] {
    const heard: string[] = [];
    transport.subscribe(subject, ({ payload, reply, headers }) => {
      heard.push(textOf(payload));
      transport.publish(reply!, utf8(`answer to ${textOf(payload)}`), headers && { headers });
    });
    return heard;
  }

  function ask({ time }: Place, transport: Transport, subject: string, payload: Uint8Array): string {
    const results: string[] = [];
    transport.request(subject, payload, { timeoutMs: 50 }, (result: RequestResult) =>
      results.push(result.kind === "answer" ? textOf(result.payload) : result.kind),
    );
    expect(results).toEqual([]);
    time.advance(100);
    expect(results).toHaveLength(1);
    return results[0]!;
  }

  it("needs no broker between services of the process", () => {
    const place = start();
    const { network, node, gateway } = place;
    answer(node, "own.x");
    answer(node, "shared.x");
    network.faults.setEverywhere({ lossChance: 1 });
    expect(ask(place, gateway, "own.x", utf8("1"))).toBe("answer to 1");
    expect(ask(place, gateway, "shared.x", utf8("2"))).toBe("no-answer");
    const large = "x".repeat(5000);
    expect(ask(place, gateway, "own.x", utf8(large))).toBe(`answer to ${large}`);
  });

  it("leaves those elsewhere as they were", () => {
    const place = start();
    const { node, gateway, elsewhere } = place;
    answer(node, "own.x");
    answer(elsewhere, "own.y");
    expect(ask(place, elsewhere, "own.x", utf8("1"))).toBe("answer to 1");
    expect(ask(place, gateway, "own.y", utf8("2"))).toBe("answer to 2");
  });

  it("delivers each message once, in order, as it was when it was sent", () => {
    const { time, node, gateway } = start();
    const heard: string[] = [];
    node.subscribe("own.x", ({ payload }) => heard.push(textOf(payload)));
    const payload = utf8("0");
    for (let at = 0; at < 10; at += 1) {
      payload.set(utf8(`${at}`));
      expect(gateway.publish("own.x", payload)).toBe(true);
    }
    expect(heard).toEqual([]);
    time.advance(10);
    expect(heard.join("")).toBe("0123456789");
  });

  it("hands nothing to a subscription that has ended, and says that nobody is there", () => {
    const place = start();
    const { time, node, gateway } = place;
    const heard: string[] = [];
    const subscription = node.subscribe("own.x", ({ payload }) => heard.push(textOf(payload)));
    gateway.publish("own.x", utf8("on its way"));
    subscription.unsubscribe();
    time.advance(10);
    expect(heard).toEqual([]);
    expect(ask(place, gateway, "own.x", utf8("1"))).toBe("no-responders");
  });

  it("hands nothing to a service that has closed its connection", async () => {
    const place = start();
    const { node, gateway } = place;
    const heard = answer(node, "own.x");
    await node[Symbol.asyncDispose]();
    expect(ask(place, gateway, "own.x", utf8("1"))).toBe("no-responders");
    expect(heard).toEqual([]);
  });

  it("sends nothing while the broker is away", () => {
    const place = start();
    const { network, node, gateway } = place;
    const heard = answer(node, "own.x");
    network.disconnect("member");
    expect(gateway.publish("own.x", utf8("1"))).toBe(false);
    expect(ask(place, gateway, "own.x", utf8("2"))).toBe("not-sent");
    expect(heard).toEqual([]);
    network.reconnect("member");
    expect(ask(place, gateway, "own.x", utf8("3"))).toBe("answer to 3");
  });

  it("leaves queue groups to the broker", () => {
    const place = start();
    const { node, gateway, elsewhere } = place;
    node.subscribe("own.x", () => {}, { queue: "q" });
    const heard = answer(elsewhere, "own.x");
    ask(place, gateway, "own.x", utf8("1"));
    expect(heard).toEqual(["1"]);
  });
});
