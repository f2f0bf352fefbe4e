import { PingGuard } from "./ping-guard";

describe("PingGuard", () => {
  const guard = (): PingGuard => new PingGuard({ minMs: 5000, idleMinMs: 7_200_000 });

  it("bears pings at the agreed pace for ever", () => {
    const one = guard();
    for (let at = 0; at < 100; at += 1) expect(one.pinged(at * 5000, true)).toBe(false);
  });

  it("ends a connection at the third ping that comes too early", () => {
    const one = guard();
    expect([0, 100, 200, 300].map((now) => one.pinged(now, true))).toEqual([false, false, false, true]);
  });

  it("expects more patience from a connection without calls", () => {
    const one = guard();
    expect([0, 5000, 10_000, 15_000].map((now) => one.pinged(now, false))).toEqual([
      false,
      false,
      false,
      true,
    ]);
  });

  it("forgets what was whenever something is sent: clients measure their windows with pings", () => {
    const one = guard();
    for (let at = 0; at < 100; at += 1) {
      one.sent();
      expect(one.pinged(at, true)).toBe(false);
    }
  });
});
