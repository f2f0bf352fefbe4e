import type { ClusterContainer } from "./cluster-container";
import type { ContainerCluster } from "./container-cluster";
import { dropFrom, losePackets, separate, slowDown } from "./packet-filter";

/** Something that is broken for a while. */
export interface Fault {
  /** What clients must see: that some are served, or that nobody is. */
  readonly meanwhile: "served" | "stalled";
  /** Whether packets are dropped, which are counted: if there were none, nothing was broken. */
  readonly drops: boolean;
  begin(): Promise<Deed>;
  /** @returns How many packets were dropped. */
  end(): Promise<number>;
}

export interface Deed {
  /** What was done, and to whom, for people. */
  readonly what: string;
  /** Whether somebody must lead anew because of it: if the term is the same afterwards, nothing was broken. */
  readonly unseats: boolean;
}

/** Chosen when the fault begins: who leads, for one. */
export type Victims = (cluster: ContainerCluster) => Promise<readonly string[]> | readonly string[];

export const named =
  (...names: readonly string[]): Victims =>
  () =>
    names;

export const theLeader: Victims = async (cluster) => [await cluster.leader()];

/** So many members that do not lead. */
export const followers =
  (count: number): Victims =>
  async (cluster) => {
    const leader = await cluster.leader();
    return cluster.members.filter((name) => name !== leader).slice(0, count);
  };

/** The leader, and members with it up to `count`. */
export const theLeaderAnd =
  (count: number): Victims =>
  async (cluster) => [await cluster.leader(), ...(await followers(count - 1)(cluster))];

export const allOf =
  (service: "raft-node" | "nats-server"): Victims =>
  (cluster) =>
    cluster.namesOf(service);

interface Order {
  readonly cluster: ContainerCluster;
  readonly victims: Victims;
  readonly meanwhile?: Fault["meanwhile"];
}

/** kill -9, and a start at the end. */
export function kill(order: Order): Fault {
  return silence(order, "kill -9 of", (cluster, name) => cluster.container(name).kill());
}

/** Frozen, as a host that hangs: connections stay open. */
export function freeze(order: Order): Fault {
  return silence(order, "frozen:", (cluster, name) => cluster.container(name).pause());
}

/** Taken out of the private network. */
export function cutOff(order: Order): Fault {
  return silence(order, "cut off:", (cluster, name) => cluster.container(name).cutOff());
}

/** They are heard by all others, and hear none of them. */
export function deafen(order: Order): Fault {
  const fault = silence(order, "heard, but hearing nothing:", (cluster, name) =>
    dropFrom(cluster.container(name), othersThan(cluster, name)),
  );
  return { ...fault, drops: true };
}

/** They hear all others, and are heard by none of them. */
export function mute(order: Order): Fault {
  const fault = silence(order, "hearing, but not heard:", async (cluster, name) => {
    const muted = cluster.container(name);
    await Promise.all(othersThan(cluster, name).map((other) => dropFrom(other, [muted])));
  });
  return { ...fault, drops: true, end: () => order.cluster.heal() };
}

/** Packets that they are sent are lost with this probability. */
export function lossy(order: Order & { readonly probability: number }): Fault {
  const what = `${order.probability * 100} % of packets lost to`;
  const fault = onEach(order, what, (cluster, name) =>
    losePackets(cluster.container(name), order.probability),
  );
  return { ...fault, drops: true };
}

/** What they send is late. */
export function slow(order: Order): Fault {
  return onEach(order, "slow links from", async (cluster, name) => {
    await slowDown(cluster.container(name));
  });
}

/** Groups that do not hear each other, drawn up when the fault begins so that the leader is without a majority; others hear all. */
export function split(
  order: Omit<Order, "victims"> & {
    readonly groups: (cluster: ContainerCluster) => Promise<readonly (readonly string[])[]>;
  },
): Fault {
  const { cluster, groups, meanwhile = "served" } = order;
  return {
    meanwhile,
    drops: true,
    async begin() {
      const names = await groups(cluster);
      await separate(names.map((group) => group.map((name) => cluster.container(name))));
      return { what: `split into ${names.map((group) => group.join("+")).join(" | ")}`, unseats: true };
    },
    end: () => cluster.heal(),
  };
}

type Act = (cluster: ContainerCluster, name: string) => Promise<void>;

function othersThan(cluster: ContainerCluster, name: string): readonly ClusterContainer[] {
  return cluster.containers.filter((other) => other.name !== name);
}

/** What no leader survives as the leader. */
function silence(order: Order, what: string, act: Act): Fault {
  return onEach(order, what, act, async (names) => names.includes(await order.cluster.leader()));
}

function onEach(
  order: Order,
  what: string,
  act: Act,
  unseats: (names: readonly string[]) => Promise<boolean> = async () => false,
): Fault {
  const { cluster, victims, meanwhile = "served" } = order;
  let names: readonly string[] = [];
  return {
    meanwhile,
    drops: false,
    async begin() {
      names = await victims(cluster);
      const deed = { what: `${what} ${names.join(", ")}`, unseats: await unseats(names) };
      await Promise.all(names.map((name) => act(cluster, name)));
      return deed;
    },
    end: () => cluster.heal(names),
  };
}
