import { startNatsServer, type NatsServer } from "@quorate/testing";
import type { NodeMember } from "@quorate/wire";
import { startAdvice } from "./start-advice";

function members(voters: number, learners = 0): NodeMember[] {
  return Array.from(
    { length: voters + learners },
    (_, at) => ({ id: BigInt(at + 1), learner: at >= voters }) as unknown as NodeMember,
  );
}

describe("what the operator of a member should know", () => {
  let broker: NatsServer;

  beforeAll(async () => {
    broker = await startNatsServer();
  });

  afterAll(() => broker.stop());

  async function texts(voters: number, learners: number, quotaBytes = 1): Promise<string> {
    const found = await startAdvice(
      { dataDir: __dirname, natsUrl: [broker.url], quotaBytes },
      { members: members(voters, learners), dbSizeBytes: 0 },
    );
    return found.map(({ text }) => text).join("\n");
  }

  it("is nothing of a single member at a single broker", async () => {
    expect(await texts(1, 1)).not.toMatch(/voters/);
  });

  it("is that three members need more than one broker", async () => {
    expect(await texts(3, 1)).toMatch(/^3 voters meet at a single broker/m);
  });

  it("is that an even number of voters is no better than one less", async () => {
    expect(await texts(2, 0)).toMatch(/^2 voters survive the loss of 0/m);
  });

  it("is that the disk is smaller than the quota", async () => {
    expect(await texts(1, 0, 2 ** 60)).toMatch(/the disk may be full before the quota/);
  });
});
