import { hexId, parseHexId } from "@quorate/base";
import { CommandError } from "../command-error";

/** Who belongs to a development cluster. Made once, then kept: members are known by these ids for life. */
export interface Topology {
  readonly cluster: string;
  readonly clusterId: string;
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
  const size = topology.members.length;
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
    const members = parsed.members.map(({ name, memberId }) => {
      parseHexId(memberId);
      return { name, memberId };
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

/** The value of raft-node's --initial-cluster. */
export function initialCluster(topology: Topology): string {
  return topology.members.map(({ name, memberId }) => `${name}=${memberId}`).join(",");
}
