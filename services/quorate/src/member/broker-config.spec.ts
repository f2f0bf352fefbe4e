import { parseClusterName } from "@quorate/wire";
import { brokerConfig, type BrokerPlan } from "./broker-config";

const PLAN: BrokerPlan = {
  name: "m1",
  cluster: "c",
  listenUrl: "nats://127.0.0.1:4222",
  peerUrl: "http://0.0.0.0:2380",
  advertisedPeerUrl: "http://10.0.0.1:2380",
  peers: ["http://10.0.0.2:2380", "https://[::1]:2380"],
  tls: undefined,
  users: { cluster: parseClusterName("c"), logins: [], admitsAnyone: true },
};

describe("brokerConfig", () => {
  it("tells the broker where to listen, what to be called by the others, and where they are", () => {
    const lines = brokerConfig(PLAN).split("\n");
    expect(lines).toEqual(
      expect.arrayContaining([
        'server_name: "m1"',
        'listen: "127.0.0.1:4222"',
        '  listen: "0.0.0.0:2380"',
        '  advertise: "10.0.0.1:2380"',
        '  routes: ["nats://10.0.0.2:2380", "nats://[::1]:2380"]',
      ]),
    );
    expect(lines.join()).not.toContain("tls {");
  });

  it("lets in whoever connects, as an application", () => {
    const text = brokerConfig(PLAN);
    expect(text).toContain('no_auth_user: "anonymous"');
    expect(text).toContain('"quorate.c.kv.*"');
    expect(text).not.toContain('"q.c.');
  });

  it("has brokers prove to each other who they are where certificates are given", () => {
    const text = brokerConfig({ ...PLAN, tls: { cert: "/c", key: "/k", trustedCa: '/a"b' } });
    expect(text).toContain("verify: true");
    expect(text).toContain('ca_file: "/a\\"b"');
  });
});
