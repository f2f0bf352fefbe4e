import { brokerAccess } from "@quorate/transport-nats";
import { brokerConduct, parseClusterName } from "@quorate/wire";
import Long from "long";

import { etcdMethods } from "../harness/etcd-client";
import { NatsCaller } from "../harness/nats-caller";
import { freePorts } from "../harness/ports";
import { ClusterContainer } from "./cluster-container";
import { ClusterNetworks } from "./cluster-networks";
import { ContainerCluster, type Part } from "./container-cluster";
import { orKeepEvidence } from "./evidence";
import { QUORATE_IMAGE } from "./images";

const NAME = "stacked";
const CLIENTS = 2379;
const PEERS = 2380;
const NATS = 4222;

/** Members with a broker each, one container a member: `quorate member`, and nothing else. */
export class StackedCluster extends ContainerCluster {
  readonly #ports = new Map<string, readonly [clients: number, nats: number]>();

  /** @throws {NotInTimeError} It takes no writes. */
  static async start(members: number): Promise<StackedCluster> {
    const names = Array.from({ length: members }, (_, at) => `m${at + 1}`);
    const cluster = new StackedCluster(NAME, await ClusterNetworks.create(NAME), {
      gateways: names.map((name) => `${name}:${CLIENTS}`),
      brokerUrls: names.map((name) => `nats://${name}:${NATS}`),
    });
    const parts: Part[] = [];
    for (const name of names) parts.push(await cluster.#part(name, names, "new"));
    await cluster.add(...parts);
    await orKeepEvidence(cluster, async () => {
      const { members: listed } = await cluster.administer("the list of members", (client) =>
        client.memberList(),
      );
      for (const { name, ID } of listed) cluster.describe(name ?? "", { memberId: hexOf(ID) });
      await cluster.untilWhole();
    });
    return cluster;
  }

  /** Its broker knows the administrator by a secret that lies in the member's volume, another one at each start. */
  async askAt(member: string): Promise<NatsCaller> {
    const brokerCredentials = await this.container(member).pathOf("/data/broker/admin.nkey");
    const { url = "" } = this.process(member);
    const { authenticator, login } = brokerAccess({ natsUrl: [url], brokerCredentials });
    const { inboxPrefix } = brokerConduct(parseClusterName(NAME), { roles: ["admin"], user: login });
    return await NatsCaller.logIn(url, { authenticator: authenticator!, inboxPrefix });
  }

  /** Adds a member, which votes when this returns. */
  async join(name: string): Promise<void> {
    const peerURLs = [peerUrl(name)];
    // Whatever is tried again may have been done before, without an answer.
    const ID = await this.administer(`${name} to be added`, async (client) => {
      const { members } = await client.memberList();
      const listed = members.find((one) => one.peerURLs?.includes(peerUrl(name)));
      if (listed !== undefined) return listed.ID ?? 0;
      const { member } = await client.call(etcdMethods.memberAdd, { peerURLs, isLearner: true });
      return member?.ID ?? 0;
    });
    const part = await this.#part(name, [...this.members, name], "existing");
    await this.add(part);
    this.describe(name, { memberId: hexOf(ID) });
    await this.administer(`${name} to be promoted`, async (client) => {
      const { members } = await client.memberList();
      const own = members.find((one) => hexOf(one.ID) === hexOf(ID));
      if (own === undefined || own.isLearner === true) await client.call(etcdMethods.memberPromote, { ID });
    });
  }

  /** Removes a member from the cluster, and its container with the data. */
  async leave(name: string): Promise<void> {
    const ID = Long.fromString(this.process(name).memberId!, true, 16);
    await this.administer(`${name} to be removed`, async (client) => {
      const { members } = await client.memberList();
      if (members.some((listed) => hexOf(listed.ID) === hexOf(ID)))
        await client.call(etcdMethods.memberRemove, { ID });
    });
    await this.drop(name);
  }

  async #part(name: string, names: readonly string[], state: "new" | "existing"): Promise<Part> {
    const [clients, nats] = this.#ports.get(name) ?? ((await freePorts(2)) as [number, number]);
    // Who is replaced is found where it was.
    this.#ports.set(name, [clients, nats]);
    const clientUrl = `http://127.0.0.1:${clients}`;
    const founders = names.map((each) => `${each}=${peerUrl(each)}`).join();
    const flags = [
      ...["--name", name, "--data-dir", "/data", "--initial-cluster-token", NAME],
      ...["--listen-client-urls", `http://0.0.0.0:${CLIENTS}`, "--advertise-client-urls", clientUrl],
      ...["--listen-peer-urls", `http://0.0.0.0:${PEERS}`, "--initial-advertise-peer-urls", peerUrl(name)],
      ...["--initial-cluster", founders, "--initial-cluster-state", state],
      ...["--listen-nats-url", `nats://0.0.0.0:${NATS}`, "--ballast-bytes", "0"],
    ];
    const container = new ClusterContainer(
      {
        name,
        image: QUORATE_IMAGE,
        command: ["quorate", "member", ...flags],
        ports: [
          [CLIENTS, clients],
          [NATS, nats],
        ],
        keepsData: true,
      },
      this.networks,
    );
    const url = `nats://127.0.0.1:${nats}`;
    return {
      container,
      processes: [
        { service: "raft-node", name, clientUrl, url },
        { service: "kv-gateway", name, clientUrl },
      ],
    };
  }
}

function peerUrl(name: string): string {
  return `http://${name}:${PEERS}`;
}

function hexOf(id: { toString(): string } | number | null | undefined): string {
  return BigInt(String(id ?? 0)).toString(16);
}
