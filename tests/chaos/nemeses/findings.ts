import { randomPick } from "@quorate/base";

import { eventually } from "../../harness/eventually";
import { leaderOf, memberAt } from "../../harness/member-states";
import { crashWithPowerLoss } from "./disk";
import { shuffled, someLeader, type Nemesis, type Scene } from "../nemesis";

/*
 * Orders of faults that have broken other systems, as nemeses of their own.
 */

const STEP_MS = 10_000;
/** More than members keep in their logs here: see `LOG_KEEP_ENTRIES`. */
const ENTRIES_MISSED = 400;
const ENTRIES_WRITTEN = 20;
const SNAPSHOT_WITHIN_MS = 60_000;

/** Flag of every raft-node, so low that whoever is away for seconds gets a snapshot. */
export const LOG_KEEP_ENTRIES = 200;

/**
 * A minority sleeps, the others acknowledge writes, one of these loses what it has not synced, and wakes beside the minority alone:
 * the two are a majority, and one of them must know every acknowledged write. (NATS JetStream: a split brain.)
 */
export function minorityWakes(scene: Scene): Nemesis {
  const { cluster, prng } = scene;
  let names: readonly string[] = [];
  return {
    async start() {
      const leader = await someLeader(scene);
      const [asleep, third] = shuffled(
        prng,
        cluster.members.filter((name) => name !== leader),
      );
      if (asleep === undefined || third === undefined) return "too few members to wake a minority";
      names = [leader, asleep, third];
      await cluster.tell("pause", asleep);
      await someEntries(scene, leader, ENTRIES_WRITTEN);
      await cluster.tell("pause", leader);
      await crashWithPowerLoss(scene, [third]);
      await cluster.tell("start", third);
      await cluster.tell("resume", asleep);
      return `${asleep} slept, ${third} lost its power and wakes with it, ${leader} sleeps`;
    },
    async heal() {
      for (const name of names) {
        await cluster.tell("resume", name);
        await cluster.tell("start", name);
      }
    },
  };
}

/** A member hears nothing until the others have compacted what it misses; then it needs a snapshot. */
export function blackholeUntilSnapshot(scene: Scene): Nemesis {
  const { cluster, prng } = scene;
  let name = "";
  return {
    async start() {
      const leader = await someLeader(scene);
      const followers = cluster.members.filter((member) => member !== leader);
      if (followers.length === 0) return "nobody to cut off";
      name = randomPick(prng, followers);
      for (const { process, link } of cluster.links) {
        if (process !== name) continue;
        link.shape("forth", { blocked: true });
        link.shape("back", { blocked: true });
      }
      return `${name} hears nothing until it needs a snapshot`;
    },
    async heal() {
      if (name === "") return;
      const leader = await leaderOf(cluster, SNAPSHOT_WITHIN_MS).catch(() => undefined);
      if (leader !== undefined) await someEntries(scene, leader, ENTRIES_MISSED);
      for (const { process, link } of cluster.links) if (process === name) link.heal();
      await eventually(`${name} to be alive`, { withinMs: SNAPSHOT_WITHIN_MS }, async () =>
        memberAt(cluster, name, 0, 1000),
      );
    },
  };
}

/** Lets the cluster write for a while; it may be too broken to. */
async function someEntries({ cluster }: Scene, leader: string, count: number): Promise<void> {
  try {
    const { appliedIndex } = await memberAt(cluster, leader, 0, STEP_MS);
    await memberAt(cluster, leader, appliedIndex + count, STEP_MS);
  } catch {
    // The rest of the scene is still worth playing.
  }
}
