import type { ContainerCluster } from "./container-cluster";
import { dropFrom, losePackets, separate, slowDown } from "./packet-filter";

/** Something that is broken for a while. */
export interface Fault {
  /** What clients must see: that some are served, or that nobody is. */
  readonly meanwhile: "served" | "stalled";
  /** @returns What was done, and to whom, for people. */
  begin(): Promise<string>;
  end(): Promise<void>;
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

interface Deed {
  readonly cluster: ContainerCluster;
  readonly victims: Victims;
  readonly meanwhile?: Fault["meanwhile"];
}

/** kill -9, and a start at the end. */
export function kill(deed: Deed): Fault {
  return onEach(deed, "kill -9 of", ({ cluster }, name) => cluster.container(name).kill());
}

/** Frozen, as a host that hangs: connections stay open. */
export function freeze(deed: Deed): Fault {
  return onEach(deed, "frozen:", ({ cluster }, name) => cluster.container(name).pause());
}

/** Taken out of the private network. */
export function cutOff(deed: Deed): Fault {
  return onEach(deed, "cut off:", ({ cluster }, name) => cluster.container(name).cutOff());
}

/** They are heard by all others, and hear none of them. */
export function deafen(deed: Deed): Fault {
  return onEach(deed, "heard, but hearing nothing:", ({ cluster }, name) =>
    dropFrom(
      cluster.container(name),
      cluster.containers.filter((other) => other.name !== name),
    ),
  );
}

/** They hear all others, and are heard by none of them. */
export function mute(deed: Deed): Fault {
  return onEach(
    deed,
    "hearing, but not heard:",
    async ({ cluster }, name) => {
      const muted = cluster.container(name);
      const others = cluster.containers.filter((other) => other !== muted);
      await Promise.all(others.map((other) => dropFrom(other, [muted])));
    },
    (cluster) => cluster.heal(),
  );
}

/** Packets that they are sent are lost with this probability. */
export function lossy(deed: Deed & { readonly probability: number }): Fault {
  return onEach(deed, `${deed.probability * 100} % of packets lost to`, ({ cluster }, name) =>
    losePackets(cluster.container(name), deed.probability),
  );
}

/** What they send is late. */
export function slow(deed: Deed): Fault {
  return onEach(deed, "slow links from", async ({ cluster }, name) => {
    await slowDown(cluster.container(name));
  });
}

/** Groups that do not hear each other, drawn up when the fault begins; containers in no group hear all. */
export function split(
  deed: Pick<Deed, "cluster" | "meanwhile"> & {
    readonly groups: (cluster: ContainerCluster) => Promise<readonly (readonly string[])[]>;
  },
): Fault {
  const { cluster, groups, meanwhile = "served" } = deed;
  return {
    meanwhile,
    async begin() {
      const names = await groups(cluster);
      await separate(names.map((group) => group.map((name) => cluster.container(name))));
      return `split into ${names.map((group) => group.join("+")).join(" | ")}`;
    },
    end: () => cluster.heal(),
  };
}

function onEach(
  deed: Deed,
  what: string,
  act: (deed: Deed, name: string) => Promise<void>,
  mend?: (cluster: ContainerCluster) => Promise<void>,
): Fault {
  const { cluster, victims, meanwhile = "served" } = deed;
  let names: readonly string[] = [];
  return {
    meanwhile,
    async begin() {
      names = await victims(cluster);
      await Promise.all(names.map((name) => act(deed, name)));
      return `${what} ${names.join(", ")}`;
    },
    end: () => mend?.(cluster) ?? cluster.heal(names),
  };
}
