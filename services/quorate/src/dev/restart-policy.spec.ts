import { RestartPolicy } from "./restart-policy";

describe("RestartPolicy", () => {
  it("waits longer each time and gives up at the fifth exit within a minute", () => {
    const policy = new RestartPolicy();
    const decisions = [0, 1_000, 2_000, 3_000, 4_000].map((now) => policy.exited(now));
    expect(decisions.map((decision) => (decision.kind === "restart" ? decision.delayMs : "gave up"))).toEqual(
      [250, 500, 1000, 2000, "gave up"],
    );
  });

  it("forgets exits that are more than a minute old", () => {
    const policy = new RestartPolicy();
    for (let exit = 0; exit < 20; exit += 1)
      expect(policy.exited(exit * 61_000)).toEqual({ kind: "restart", delayMs: 250 });
  });

  it("starts over when it is reset", () => {
    const policy = new RestartPolicy();
    for (let exit = 0; exit < 5; exit += 1) policy.exited(exit);
    policy.reset();
    expect(policy.exited(10)).toEqual({ kind: "restart", delayMs: 250 });
  });
});
