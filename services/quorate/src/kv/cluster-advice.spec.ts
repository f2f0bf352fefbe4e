import { startNatsServer } from "@quorate/testing";
import { clusterAdvice } from "./cluster-advice";

function voters(count: number): { isLearner: boolean }[] {
  return [...Array.from({ length: count }, () => ({ isLearner: false })), { isLearner: true }];
}

describe("what the status of a cluster says beside it", () => {
  it("counts voters, and brokers but in development", async () => {
    const broker = await startNatsServer();
    const servers = [broker.url];
    expect(await clusterAdvice(voters(3), { servers, isDevelopment: true })).toEqual([]);
    expect(await clusterAdvice(voters(3), { servers, isDevelopment: false })).toMatchObject([
      { text: expect.stringContaining("3 voters meet at a single broker") as string },
    ]);
    expect(await clusterAdvice(voters(4), { servers, isDevelopment: true })).toMatchObject([
      { remedy: "Run 3 or 5." },
    ]);
    await broker.stop();
  });
});
