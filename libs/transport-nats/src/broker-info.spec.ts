import { startNatsServer, type NatsServer } from "@quorate/testing";
import { askBroker, independentBrokers } from "./broker-info";
import { BrokerUnreachableError } from "./errors";

describe("what a broker says of itself", () => {
  let broker: NatsServer;

  beforeAll(async () => {
    broker = await startNatsServer();
  });

  afterAll(() => broker.stop());

  it("is read without logging in", async () => {
    const info = await askBroker(broker.url, 2000);
    expect(info).toMatchObject({ cluster: undefined, payloadBytesMax: 1024 * 1024, isLameDuck: false });
    expect(info.version).toMatch(/^\d+\.\d+\.\d+/);
  });

  it("is missing where nobody listens", async () => {
    await expect(askBroker("nats://127.0.0.1:1", 2000)).rejects.toThrow(BrokerUnreachableError);
  });

  it("counts a broker once, by however many addresses it is named, and none that does not answer", async () => {
    expect(await independentBrokers([broker.url, broker.url], 2000)).toBe(1);
    expect(await independentBrokers(["nats://127.0.0.1:1"], 2000)).toBeUndefined();
  });
});
