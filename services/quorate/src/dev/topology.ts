import { hexId, parseHexId } from "@quorate/base";
import { CommandError } from "../command-error";

/** Who belongs to a development cluster. Made once, then kept: members are known by these ids for life. */
export interface Topology {
  readonly cluster: string;
  readonly clusterId: string;
  /** All that ever were, so that no name comes back. */
  readonly members: readonly TopologyMember[];
  /**
   * Whether the cluster has worked once. Before, members may bootstrap; afterwards a member without data has lost it, and
   * must not come back as if it had never voted.
   */
  readonly initialized: boolean;
}

export interface TopologyMember {
  readonly name: string;
  /** Hexadecimal, as everywhere outside the code. */
  readonly memberId: string;
  /** It was added to the cluster while that ran. */
  readonly joined?: true;
  /** It was removed, which is for ever. */
  readonly removed?: true;
}

export interface TopologyWishes {
  readonly cluster: string | undefined;
  readonly members: number | undefined;
}

export const CLUSTER_DEFAULT = "dev";
export const MEMBERS_DEFAULT = 3;

/** @param randomId A new 64-bit id at each call, not 0. */
export function newTopology(wishes: TopologyWishes, randomId: () => bigint): Topology {
  return {
    cluster: wishes.cluster ?? CLUSTER_DEFAULT,
    clusterId: hexId(randomId()),
    members: Array.from({ length: wishes.members ?? MEMBERS_DEFAULT }, (_, at) => ({
      name: `n${at + 1}`,
      memberId: hexId(randomId()),
    })),
    initialized: false,
  };
}

/** @throws {CommandError} What was asked for is not what `topology` is. */
export function checkWishes(topology: Topology, wishes: TopologyWishes, dataDir: string): void {
  const size = presentMembers(topology).length;
  if (wishes.members !== undefined && wishes.members !== size) {
    throw new CommandError(
      `${dataDir} holds a cluster of ${size} members: leave out --members, or start over with --fresh.`,
    );
  }
  if (wishes.cluster !== undefined && wishes.cluster !== topology.cluster) {
    throw new CommandError(
      `${dataDir} holds the cluster "${topology.cluster}": leave out --cluster, or start over with --fresh.`,
    );
  }
}

/** @throws {CommandError} `text` is not what `topologyText` writes. */
export function parseTopology(text: string, path: string): Topology {
  try {
    const parsed = JSON.parse(text) as Topology;
    parseHexId(parsed.clusterId);
    const members = parsed.members.map(({ name, memberId, joined, removed }): TopologyMember => {
      parseHexId(memberId);
      return {
        name,
        memberId,
        ...(joined === true ? { joined } : {}),
        ...(removed === true ? { removed } : {}),
      };
    });
    if (typeof parsed.cluster !== "string" || members.length === 0) throw new TypeError("a field is missing");
    const { cluster, clusterId } = parsed;
    return { cluster, clusterId, members, initialized: parsed.initialized === true };
  } catch (cause) {
    throw new CommandError(`${path} is damaged: restore it, or start over with --fresh.`, 1, { cause });
  }
}

export function topologyText(topology: Topology): string {
  return `${JSON.stringify(topology, null, 2)}\n`;
}

/** Those that belong to the cluster now. */
export function presentMembers(topology: Topology): readonly TopologyMember[] {
  return topology.members.filter(({ removed }) => removed !== true);
}

/** What the next member is called. */
export function nextName(topology: Topology): string {
  return `n${topology.members.length + 1}`;
}

export function withMember(topology: Topology, member: { name: string; memberId: string }): Topology {
  return { ...topology, members: [...topology.members, { ...member, joined: true }] };
}

export function withoutMember(topology: Topology, name: string): Topology {
  const members = topology.members.map((member) =>
    member.name === name ? { ...member, removed: true as const } : member,
  );
  return { ...topology, members };
}

/** The value of raft-node's --initial-cluster: with whom the cluster began, whatever became of them. */
export function initialCluster(topology: Topology): string {
  return topology.members
    .filter(({ joined }) => joined !== true)
    .map(({ name, memberId }) => `${name}=${memberId}`)
    .join(",");
}
