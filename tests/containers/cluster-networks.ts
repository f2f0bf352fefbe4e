import { docker, runLabels, runName } from "./docker-objects";

/**
 * The networks of one cluster. Its parts see each other in the private one alone, where they have their names. For ports on
 * this machine there is a network for clients, in which containers do not reach each other: so who is cut off from the private network
 * still answers its clients, as best it can.
 */
export class ClusterNetworks {
  private constructor(private readonly cluster: string) {}

  get privateName(): string {
    return this.nameOf("private");
  }

  get clientsName(): string {
    return this.nameOf("clients");
  }

  static async create(cluster: string): Promise<ClusterNetworks> {
    const networks = new ClusterNetworks(cluster);
    const client = await docker();
    const common = { Driver: "bridge", Labels: runLabels() };
    await client.createNetwork({ ...common, Name: networks.privateName, Internal: true });
    await client.createNetwork({
      ...common,
      Name: networks.clientsName,
      Options: { "com.docker.network.bridge.enable_icc": "false" },
    });
    return networks;
  }

  /** Of a network, container or volume of this cluster, as Docker knows it. */
  nameOf(part: string): string {
    return runName(`${this.cluster}-${part}`);
  }

  async connect(containerId: string, alias: string): Promise<void> {
    const network = (await docker()).getNetwork(this.privateName);
    await network.connect({ Container: containerId, EndpointConfig: { Aliases: [alias] } });
  }

  /** As if its cable were pulled: nothing is told to anybody. */
  async disconnect(containerId: string): Promise<void> {
    const network = (await docker()).getNetwork(this.privateName);
    await network.disconnect({ Container: containerId });
  }
}
