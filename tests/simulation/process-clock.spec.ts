import { VirtualTime } from "@quorate/actor";
import { ProcessClock } from "./process-clock";

describe("the clock of a simulated host", () => {
  function start() {
    const time = new VirtualTime();
    const clock = new ProcessClock(time);
    const fired: [string, number, number][] = [];
    const set = (name: string, delayMs: number) =>
      clock.setTimer(delayMs, () => fired.push([name, Math.round(time.now()), Math.round(clock.now())]));
    return { time, clock, fired, set };
  }

  it("runs timers by its own rate, also those set before the rate changed", () => {
    const { time, clock, fired, set } = start();
    set("before", 1000);
    clock.setRate(0.8);
    set("after", 1000);
    time.advance(2000);
    expect(clock.now()).toBeCloseTo(1600);
    expect(fired).toEqual([
      ["after", 1250, 1000],
      ["before", 1250, 1000],
    ]);
  });

  it("stands still in a stall: timers are late by it, what is due at once is done", () => {
    const { time, clock, fired, set } = start();
    set("during", 100);
    time.advance(50);
    clock.stall();
    set("at once", 0);
    time.advance(1000);
    expect([clock.now(), fired]).toEqual([50, [["at once", 50, 50]]]);
    clock.unstall();
    time.advance(1000);
    expect(fired.slice(1)).toEqual([["during", 1100, 100]]);
  });

  it("does not run a timer that was cancelled while it stood still", () => {
    const { time, clock, fired, set } = start();
    const timer = set("cancelled", 100);
    clock.stall();
    time.advance(200);
    timer.cancel();
    clock.unstall();
    time.advance(200);
    expect(fired).toEqual([]);
  });
});
