import type { Nemesis, Scene } from "../nemesis";
import { compaction, membership, moveLeader } from "./administration";
import { corruption } from "./corruption";
import { blackholeUntilSnapshot, LOG_KEEP_ENTRIES, minorityWakes } from "./findings";
import { freeze } from "./freeze";
import { kill, restartStorm } from "./kill";
import { partition, slowLinks } from "./partition";

export type NemesisFactory = (scene: Scene) => Nemesis;

/** All that can go wrong, by the name that `--fault` takes. */
export const NEMESES = {
  "kill-one": (scene) => kill(scene, "one"),
  "kill-leader": (scene) => kill(scene, "leader"),
  "kill-minority": (scene) => kill(scene, "minority"),
  "kill-majority": (scene) => kill(scene, "majority"),
  "kill-all": (scene) => kill(scene, "all"),
  "kill-broker": (scene) => kill(scene, "broker"),
  "kill-gateway": (scene) => kill(scene, "gateway"),
  "kill-fanout": (scene) => kill(scene, "fanout"),
  "restart-storm": restartStorm,
  "pause-one": (scene) => freeze(scene, "one"),
  "pause-leader": (scene) => freeze(scene, "leader"),
  "pause-minority": (scene) => freeze(scene, "minority"),
  "pause-majority": (scene) => freeze(scene, "majority"),
  "pause-all": (scene) => freeze(scene, "all"),
  "pause-broker": (scene) => freeze(scene, "broker"),
  "pause-gateway": (scene) => freeze(scene, "gateway"),
  "pause-fanout": (scene) => freeze(scene, "fanout"),
  "partition-member": (scene) => partition(scene, "member"),
  "partition-leader": (scene) => partition(scene, "leader"),
  "partition-route": (scene) => partition(scene, "route"),
  "partition-broker": (scene) => partition(scene, "broker"),
  "partition-gateway": (scene) => partition(scene, "gateway"),
  "slow-member": (scene) => slowLinks(scene, "member"),
  "slow-leader": (scene) => slowLinks(scene, "leader"),
  "slow-route": (scene) => slowLinks(scene, "route"),
  corruption,
  membership,
  "move-leader": moveLeader,
  compaction,
  "minority-wakes": (scene) => minorityWakes(scene, (name) => scene.cluster.tell("kill", name)),
  "blackhole-until-snapshot": blackholeUntilSnapshot,
} satisfies Record<string, NemesisFactory>;

export type Fault = keyof typeof NEMESES;

/**
 * Those that need the others to be whole before they can be healed: they are started first, and healed last. What they hit may be
 * hit again only then.
 */
export const HEALED_LAST: ReadonlySet<Fault> = new Set<Fault>([
  "corruption",
  "membership",
  "blackhole-until-snapshot",
]);

/** Of every raft-node under chaos. */
export const NODE_FLAGS: readonly string[] = ["--log-keep-entries", `${LOG_KEEP_ENTRIES}`];

/** Of every raft-node under chaos, whose directories are in `membersDir`. */
export function nodeEnvironment(_membersDir: string): Readonly<Record<string, string>> {
  return {};
}
