import { randomPick, type Prng } from "@quorate/base";

import { leaderOf } from "../harness/member-states";
import type { LinkedCluster } from "../harness/linked-cluster";

/** What a nemesis has to do with. */
export interface Scene {
  readonly cluster: LinkedCluster;
  readonly prng: Prng;
  /** Compacts as much as may be while everything is recorded. @returns The revision, 0: nothing. */
  readonly compact: () => Promise<number>;
}

/** Something that goes wrong, for a while. */
export interface Nemesis {
  /** Breaks it. @returns What was done, and to whom, for people. */
  start(): Promise<string>;
  /** Makes it whole again, whatever else was broken meanwhile. */
  heal(): Promise<void>;
}

export type Whom = "one" | "leader" | "minority" | "majority" | "all" | "broker" | "gateway" | "fanout";

const LEADER_WITHIN_MS = 5000;

/** The member that leads, or any while nobody does. */
export async function someLeader({ cluster, prng }: Scene): Promise<string> {
  try {
    return await leaderOf(cluster, LEADER_WITHIN_MS);
  } catch {
    return randomPick(prng, cluster.members);
  }
}

/** Names of processes, drawn. */
export async function victims(scene: Scene, whom: Whom): Promise<readonly string[]> {
  const { cluster, prng } = scene;
  const members = shuffled(prng, cluster.members);
  const minority = Math.max(1, Math.floor((members.length - 1) / 2));
  switch (whom) {
    case "one":
      return members.slice(0, 1);
    case "leader":
      return [await someLeader(scene)];
    case "minority":
      return members.slice(0, minority);
    case "majority":
      return members.slice(0, Math.floor(members.length / 2) + 1);
    case "all":
      return members;
    case "broker":
      return [randomPick(prng, cluster.namesOf("nats-server"))];
    case "gateway":
      return [randomPick(prng, cluster.namesOf("kv-gateway"))];
    case "fanout":
      return [randomPick(prng, cluster.namesOf("watch-fanout"))];
  }
}

export function shuffled<T>(prng: Prng, items: readonly T[]): T[] {
  const left = [...items];
  const taken: T[] = [];
  while (left.length > 0) taken.push(...left.splice(left.indexOf(randomPick(prng, left)), 1));
  return taken;
}
