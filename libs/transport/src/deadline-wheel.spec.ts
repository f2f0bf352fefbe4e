import { VirtualTime } from "@quorate/actor";
import { randomInteger, seededPrng } from "@quorate/base";
import { DeadlineWheel, WheelEntry } from "./deadline-wheel";

class Entry extends WheelEntry {
  constructor(private readonly onExpired: () => void) {
    super();
  }

  override expired(): void {
    this.onExpired();
  }
}

describe("DeadlineWheel", () => {
  it("expires each entry once, never early and at most a tick late, whatever the timeout", () => {
    const time = new VirtualTime();
    const prng = seededPrng(3);
    const wheel = new DeadlineWheel({ tickMs: 10, slots: 16 }, { clock: time });
    const lateness: number[] = [];
    for (let at = 0; at < 300; at += 1) {
      const timeoutMs = randomInteger(prng, 0, 1000);
      const due = time.now() + timeoutMs;
      wheel.add(new Entry(() => lateness.push(time.now() - due)), timeoutMs);
      time.advance(randomInteger(prng, 0, 5));
    }
    time.advance(2000);
    expect(lateness).toHaveLength(300);
    expect(Math.min(...lateness)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...lateness)).toBeLessThanOrEqual(10);
    expect(wheel.size).toBe(0);
    expect(time.step()).toBe(false);
  });

  it("leaves removed entries alone, also those removed by another's expiry", () => {
    const time = new VirtualTime();
    const wheel = new DeadlineWheel({ tickMs: 10, slots: 16 }, { clock: time });
    const expired: string[] = [];
    const removed = new Entry(() => expired.push("removed"));
    const second = new Entry(() => expired.push("second"));
    const first = new Entry(() => {
      expired.push("first");
      wheel.remove(second);
      wheel.add(new Entry(() => expired.push("third")), 20);
    });
    for (const entry of [removed, first, second]) wheel.add(entry, 50);
    wheel.remove(removed);
    wheel.remove(removed);
    time.advance(200);
    expect(expired).toEqual(["first", "third"]);
  });
});
