import { VirtualTime } from "@quorate/actor";
import { Ticker } from "./ticker";

describe("Ticker", () => {
  it("ticks once per interval until it is disposed of", () => {
    const time = new VirtualTime();
    let ticks = 0;
    const ticker = new Ticker(
      { intervalMs: 100 },
      { clock: time, scheduler: time, tick: () => (ticks += 1) },
    );
    ticker.start();
    time.advance(350);
    expect(ticks).toBe(3);
    ticker[Symbol.dispose]();
    time.advance(1000);
    expect(ticks).toBe(3);
  });

  it("makes up for a stall with one tick, behind the messages that waited", () => {
    const time = new VirtualTime();
    const log: string[] = [];
    // A clock that hands out due timers late, as an event loop does that was blocked for a second.
    const late = {
      now: () => time.now(),
      setTimer: (_delay: number, task: () => void) => time.setTimer(1000, task),
    };
    const ticker = new Ticker(
      { intervalMs: 100 },
      { clock: late, scheduler: time, tick: () => log.push("tick") },
    );
    ticker.start();
    time.setTimer(1000, () => log.push("message")); // arrived meanwhile, handed out in the same turn
    time.advance(1500);
    expect(log).toEqual(["message", "tick"]);
    ticker[Symbol.dispose]();
  });
});
