import { createServer, type AddressInfo, type Server } from "node:net";
import { checkBrokers, checkPeers } from "./brokers";

describe("checks of brokers", () => {
  const servers: Server[] = [];
  const ABSENT = "nats://127.0.0.1:1";

  /** @returns The port of one that says `info` of itself, as nats-server does to whoever connects. */
  async function saying(info: object): Promise<string> {
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.write(
        `INFO ${JSON.stringify({ server_id: "A", version: "2.10.0", max_payload: 1048576, ...info })}\r\n`,
      );
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `nats://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  afterAll(() => servers.forEach((server) => server.close()));

  it("take one that is there, and say whether it is alone", async () => {
    const [alone] = await checkBrokers([await saying({})]);
    expect(alone).toMatchObject({ state: "ok", text: "nats-server 2.10.0, by itself" });
    const [member] = await checkBrokers([await saying({ cluster: "c", connect_urls: ["a:1", "b:1"] })]);
    expect(member?.text).toBe("nats-server 2.10.0, in the cluster c, 2 known");
  });

  it("refuse none at all, and warn if one of several is away", async () => {
    expect(await checkBrokers([ABSENT])).toMatchObject([{ state: "error" }]);
    expect(await checkBrokers([await saying({}), ABSENT])).toMatchObject([
      { state: "ok" },
      { state: "warning" },
    ]);
  });

  it("refuse one that takes too little at once, and warn of one that ends", async () => {
    expect(await checkBrokers([await saying({ max_payload: 65536 })])).toMatchObject([{ state: "error" }]);
    expect(await checkBrokers([await saying({ ldm: true })])).toMatchObject([{ state: "warning" }]);
  });

  it("hide a password", async () => {
    const [finding] = await checkBrokers(["nats://me:secret@127.0.0.1:1"]);
    expect(JSON.stringify(finding)).not.toContain("secret");
  });

  it("expect no other member before the cluster is founded, and all once one is there", async () => {
    const away = "http://127.0.0.1:1";
    expect(await checkPeers([away, away])).toMatchObject([{ state: "ok" }]);
    const there = (await saying({})).replace("nats:", "https:");
    expect(await checkPeers([there, away])).toMatchObject([{ state: "ok" }, { state: "warning" }]);
    expect(await checkPeers([])).toEqual([]);
  });
});
