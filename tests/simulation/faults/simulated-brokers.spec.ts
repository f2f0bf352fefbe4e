import { VirtualTime } from "@quorate/actor";
import { seededPrng, textOf, utf8 } from "@quorate/base";
import { MemoryNetwork } from "@quorate/transport";
import { between, Cuts } from "./cuts";
import { SimulatedBrokers } from "./simulated-brokers";

/** The first and the fourth are at the first broker, and so on. */
const NAMES = ["a0", "b1", "c2", "d0"];

describe("simulated brokers", () => {
  function start() {
    const time = new VirtualTime();
    const network = new MemoryNetwork({}, { clock: time, scheduler: time, prng: seededPrng(1) });
    const cuts = new Cuts(network.faults);
    const brokers = new SimulatedBrokers(NAMES, { time, network, cuts });
    const arrived: string[] = [];
    const transports = new Map(NAMES.map((name) => [name, network.connect(name)]));
    for (const [name, transport] of transports)
      transport.subscribe("x", ({ payload }) => arrived.push(`${textOf(payload)}>${name}`));
    /** Who reaches whom, at once. */
    const reached = (): string[] => {
      arrived.length = 0;
      for (const [name, transport] of transports) transport.publish("x", utf8(name));
      time.advance(1);
      return arrived.filter((way) => way.slice(0, 2) !== way.slice(3)).sort();
    };
    return { time, brokers, cuts, reached };
  }

  it("part the clients of two of them when their route is cut, and nobody else", () => {
    const { brokers, reached } = start();
    expect(reached()).toHaveLength(12);
    const mend = brokers.cutRoute(0);
    expect(reached()).toHaveLength(10);
    expect(reached()).not.toContain("b1>c2");
    mend!();
    expect(reached()).toHaveLength(12);
  });

  it("lose their clients to the others when they die, and with them what a cut route parts", () => {
    const { time, brokers, reached } = start();
    const mend = brokers.cutRoute(0);
    brokers.crash(1, 100);
    expect(reached().filter((way) => way.includes("b1"))).toEqual([]);
    time.advance(100);
    // b1 is with c2 now, or with a0 and d0: in both cases nobody is parted any more.
    expect(reached()).toHaveLength(12);
    mend!();
    expect(brokers.crash(2, 100)).toBeDefined();
    expect(brokers.crash(0, 100)).toBeUndefined(); // the last one
  });

  it("hold up everything while they are paused, and lose nothing", () => {
    const { time, brokers, reached } = start();
    brokers.pause(1, 500);
    expect(reached().filter((way) => way.includes("b1"))).toEqual([]);
    time.advance(500);
    expect(reached()).toHaveLength(12);
  });
});

describe("cuts that overlap", () => {
  it("are mended when the last one of them is", () => {
    const time = new VirtualTime();
    const { faults } = new MemoryNetwork({}, { clock: time, scheduler: time, prng: seededPrng(1) });
    const cuts = new Cuts(faults);
    const mends = [cuts.cut(between(["a"], ["b", "c"])), cuts.cut([["a", "b"]])];
    mends[0]!();
    expect([faults.isCut("a", "b"), faults.isCut("b", "a"), faults.isCut("a", "c")]).toEqual([
      true,
      false,
      false,
    ]);
    mends[1]!();
    expect(faults.isCut("a", "b")).toBe(false);
  });
});
