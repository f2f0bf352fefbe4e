import { freePorts } from "../harness/ports";
import { ClusterContainer, type ContainerPlan } from "./cluster-container";
import { ClusterNetworks } from "./cluster-networks";
import { ContainerCluster, type Part } from "./container-cluster";
import { orKeepEvidence } from "./evidence";
import { BROKER_IMAGE, QUORATE_IMAGE } from "./images";

export interface ExternalOptions {
  readonly brokers: number;
  readonly members: number;
  readonly gateways: number;
  readonly fanouts: number;
}

const NAME = "external";
const CLIENTS = 2379;
const NATS = 4222;
const ROUTES = 6222;

/** Brokers, raft-nodes, gateways and fan-outs, one container each; all know all brokers. */
export class ExternalCluster extends ContainerCluster {
  /** @throws {NotInTimeError} It takes no writes. */
  static async start(options: ExternalOptions): Promise<ExternalCluster> {
    const { brokers, members, gateways, fanouts } = options;
    const brokerNames = numbered("broker", brokers);
    const gatewayNames = numbered("gateway", gateways);
    const natsUrls = brokerNames.map((name) => `nats://${name}:${NATS}`);
    const cluster = new ExternalCluster(NAME, await ClusterNetworks.create(NAME), {
      gateways: gatewayNames.map((name) => `${name}:${CLIENTS}`),
      brokerUrls: natsUrls,
    });
    const ports = await freePorts(brokers + gateways);
    const common = (name: string): readonly string[] => [
      ...["--name", name, "--cluster", NAME, "--nats-url", natsUrls.join()],
    ];
    const founders = numbered("n", members).map((name, at) => ({ name, memberId: `${at + 1}a` }));
    const founding = [
      ...["--initial-cluster", founders.map(({ name, memberId }) => `${name}=${memberId}`).join()],
      ...["--initial-cluster-state", "new"],
    ];
    await cluster.add(
      ...brokerNames.map((name, at) => cluster.#broker(name, brokerNames, ports[at]!)),
      ...founders.map(({ name, memberId }) =>
        cluster.#part({ service: "raft-node", name, memberId }, { keepsData: true }, [
          ...common(name),
          ...["--member-id", memberId, "--cluster-id", "c1", "--data-dir", "/data/member"],
          ...["--ballast-bytes", "0", ...founding],
        ]),
      ),
      ...numbered("fanout", fanouts).map((name) =>
        cluster.#part({ service: "watch-fanout", name }, {}, common(name)),
      ),
      ...gatewayNames.map((name, at) => {
        const port = ports[brokers + at]!;
        const clientUrl = `http://127.0.0.1:${port}`;
        return cluster.#part({ service: "kv-gateway", name, clientUrl }, { ports: [[CLIENTS, port]] }, [
          ...common(name),
          ...["--listen-client-url", `http://0.0.0.0:${CLIENTS}`, "--advertise-client-url", clientUrl],
          ...["--home-member", founders[at % founders.length]!.memberId],
        ]);
      }),
    );
    await orKeepEvidence(cluster, () => cluster.untilWhole());
    return cluster;
  }

  #broker(name: string, all: readonly string[], port: number): Part {
    const routes = all.filter((other) => other !== name).map((other) => `nats://${other}:${ROUTES}`);
    const command = [
      ...[
        "--name",
        name,
        "--port",
        `${NATS}`,
        "--cluster_name",
        NAME,
        "--cluster",
        `nats://0.0.0.0:${ROUTES}`,
      ],
      // Addresses in the network of clients are of no use in the private one.
      ...["--cluster_advertise", `${name}:${ROUTES}`, "--routes", routes.join(), "--no_advertise"],
    ];
    const container = new ClusterContainer(
      { name, image: BROKER_IMAGE, command, ports: [[NATS, port]] },
      this.networks,
    );
    return {
      container,
      processes: [{ service: "nats-server", name, url: `nats://127.0.0.1:${port}` }],
    };
  }

  #part(
    process: Part["processes"][number],
    plan: Pick<ContainerPlan, "ports" | "keepsData">,
    flags: readonly string[],
  ): Part {
    const { service, name } = process;
    const command = [service, ...flags];
    const container = new ClusterContainer({ name, image: QUORATE_IMAGE, command, ...plan }, this.networks);
    return { container, processes: [process] };
  }
}

function numbered(prefix: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, at) => `${prefix}${at + 1}`);
}
