import * as fc from "fast-check";
import { VirtualTime } from "./virtual-time";

describe("VirtualTime", () => {
  it("runs timers by time, then in the order they were set", () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 20 }), { maxLength: 60 }), (delays) => {
        const time = new VirtualTime();
        const ran: { at: number; order: number }[] = [];
        delays.forEach((delay, order) => time.setTimer(delay, () => ran.push({ at: time.now(), order })));
        time.advance(20);
        const expected = delays
          .map((at, order) => ({ at, order }))
          .sort((a, b) => a.at - b.at || a.order - b.order);
        expect(ran).toEqual(expected);
      }),
    );
  });

  it("runs posted tasks before later timers, and leaves the time at the end of an advance", () => {
    const time = new VirtualTime();
    const log: string[] = [];
    time.setTimer(1, () => log.push("timer"));
    time.post(() => log.push("posted"));
    time.advance(5);
    expect(log).toEqual(["posted", "timer"]);
    expect(time.now()).toBe(5);
  });

  it("skips cancelled timers without running past the end", () => {
    const time = new VirtualTime();
    const log: string[] = [];
    time.setTimer(1, () => log.push("cancelled")).cancel();
    time.setTimer(10, () => log.push("late"));
    time.advance(5);
    expect(log).toEqual([]);
    expect(time.step()).toBe(true);
    expect(log).toEqual(["late"]);
    expect(time.step()).toBe(false);
  });
});
