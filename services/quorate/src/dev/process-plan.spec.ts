import { brokerConfig, planProcesses, type PlanOptions } from "./process-plan";
import { newTopology, withMember, withoutMember } from "./topology";

let id = 0xa0n;
const topology = newTopology({ cluster: "dev", members: 2 }, () => id++);

const options: PlanOptions = {
  topology,
  dataDir: "/data",
  clientUrls: ["http://127.0.0.1:2379", "http://127.0.0.1:2380", "http://127.0.0.1:2381"],
  fanouts: 1,
  nodeFlags: { "quota-backend-bytes": "-1" },
  eventSubjects: "on",
  natsUrl: "nats://127.0.0.1:4222",
  natsServer: "/usr/sbin/nats-server",
  node: "/bin/node",
  servicesDir: "/services",
};

function flag(args: readonly string[], name: string): string | undefined {
  const at = args.indexOf(`--${name}`);
  return at < 0 ? undefined : args[at + 1];
}

describe("planProcesses", () => {
  it("starts the broker before the members, and these before the gateways", () => {
    const names = planProcesses(options).map(({ name }) => name);
    expect(names).toEqual(["broker1", "n1", "n2", "fanout1", "gateway1", "gateway2", "gateway3"]);
  });

  it("hands flags for members to them and to nobody else", () => {
    const told = planProcesses(options).filter(({ args }) => flag(args, "quota-backend-bytes") === "-1");
    expect(told.map(({ name }) => name)).toEqual(["n1", "n2"]);
  });

  it("starts no broker if somebody else runs one", () => {
    const services = planProcesses({ ...options, natsServer: undefined }).map(({ service }) => service);
    expect(services).not.toContain("nats-server");
  });

  it("spreads the gateways over the members, and tells each member where its clients are", () => {
    const [, n1, n2, , ...gateways] = planProcesses(options);
    expect(gateways.map(({ args }) => flag(args, "home-member"))).toEqual(["a1", "a2", "a1"]);
    expect(flag(n1!.args, "client-urls")).toBe("http://127.0.0.1:2379,http://127.0.0.1:2381");
    expect(flag(n2!.args, "client-urls")).toBe("http://127.0.0.1:2380");
  });

  it("ties a single gateway to no member", () => {
    const [gateway] = planProcesses({ ...options, clientUrls: ["http://127.0.0.1:2379"] }).filter(
      ({ service }) => service === "kv-gateway",
    );
    expect(flag(gateway!.args, "home-member")).toBeUndefined();
  });

  it("starts as many fan-outs as it is told", () => {
    const fanouts = planProcesses({ ...options, fanouts: 3 }).filter(
      ({ service }) => service === "watch-fanout",
    );
    expect(
      fanouts.map(({ name, args }) => [name, flag(args, "cluster"), flag(args, "event-subjects")]),
    ).toEqual([
      ["fanout1", "dev", "on"],
      ["fanout2", "dev", "on"],
      ["fanout3", "dev", "on"],
    ]);
  });

  it("lets members join that were added, and plans no more for those that were removed", () => {
    const changed = withoutMember(withMember(topology, { name: "n3", memberId: "c3" }), "n1");
    const plans = planProcesses({ ...options, topology: changed });
    const nodes = plans.filter(({ service }) => service === "raft-node");
    expect(nodes.map(({ name }) => name)).toEqual(["n2", "n3"]);
    expect(flag(nodes[1]!.args, "initial-cluster-state")).toBe("join");
    expect(flag(nodes[1]!.args, "initial-cluster")).toBeUndefined();
    const homes = plans
      .filter(({ service }) => service === "kv-gateway")
      .map(({ args }) => flag(args, "home-member"));
    expect(homes).toEqual(["a2", "a2", "a2"]);
  });

  it("lets members bootstrap only until the cluster has worked once", () => {
    const state = (initialized: boolean): (string | undefined)[] =>
      planProcesses({ ...options, topology: { ...topology, initialized } })
        .filter(({ service }) => service === "raft-node")
        .map(({ args }) => flag(args, "initial-cluster-state"));
    expect(state(false)).toEqual(["new", "new"]);
    expect(state(true)).toEqual(["existing", "existing"]);
  });
});

describe("brokerConfig", () => {
  it("listens where the others look for it", () => {
    expect(brokerConfig("nats://127.0.0.1:4333")).toContain('listen: "127.0.0.1:4333"');
  });
});
