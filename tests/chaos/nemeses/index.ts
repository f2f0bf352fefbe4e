import { diskFaultsEnvironment } from "../../harness/disk-faults";
import { preloadingAvailable, unitedEnvironments } from "../../harness/preloaded-library";
import type { Nemesis, Scene } from "../nemesis";
import { compaction, membership, moveLeader } from "./administration";
import { clockJump, environmentWithClock } from "./clock-jump";
import { corruption } from "./corruption";
import { blackholeUntilSnapshot, LOG_KEEP_ENTRIES, minorityWakes } from "./findings";
import { diskFull, fsyncFailure, lyingDisks, powerLoss, slowSync } from "./disk";
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
  "power-loss-one": (scene) => powerLoss(scene, "one"),
  "power-loss-leader": (scene) => powerLoss(scene, "leader"),
  "power-loss-majority": (scene) => powerLoss(scene, "majority"),
  "power-loss-all": (scene) => powerLoss(scene, "all"),
  "fsync-failure": fsyncFailure,
  "slow-sync": slowSync,
  "disk-full": diskFull,
  "clock-jump-one": (scene) => clockJump(scene, "one"),
  "clock-jump-leader": (scene) => clockJump(scene, "leader"),
  "clock-jump-all": (scene) => clockJump(scene, "all"),
  "minority-wakes": minorityWakes,
  "blackhole-until-snapshot": blackholeUntilSnapshot,
} satisfies Record<string, NemesisFactory>;

/** What must be found, and not survived. */
export const PLANTED = { "lying-disks": lyingDisks } satisfies Record<string, NemesisFactory>;

export type Fault = keyof typeof NEMESES | keyof typeof PLANTED;

export function nemesisOf(fault: Fault, scene: Scene): Nemesis {
  return { ...NEMESES, ...PLANTED }[fault](scene);
}

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

/** Those that need disks that can fail, which there are on Linux with a C compiler. */
const ON_FAULTY_DISKS: ReadonlySet<Fault> = new Set<Fault>([
  "power-loss-one",
  "power-loss-leader",
  "power-loss-majority",
  "power-loss-all",
  "fsync-failure",
  "slow-sync",
  "disk-full",
  "minority-wakes",
  "lying-disks",
]);

const ON_SET_CLOCKS: ReadonlySet<Fault> = new Set<Fault>([
  "clock-jump-one",
  "clock-jump-leader",
  "clock-jump-all",
]);

/** What can go wrong on this machine. */
export function possibleFaults(): readonly Fault[] {
  const all = Object.keys(NEMESES) as Fault[];
  const needsLibrary = (fault: Fault): boolean => ON_FAULTY_DISKS.has(fault) || ON_SET_CLOCKS.has(fault);
  return preloadingAvailable() ? all : all.filter((fault) => !needsLibrary(fault));
}

/** For the raft-node with this name whose directory is in `membersDir`. */
export function nodeEnvironment(
  faults: readonly Fault[],
  membersDir: string,
  name: string,
): Readonly<Record<string, string>> {
  return unitedEnvironments([
    ...(faults.some((fault) => ON_FAULTY_DISKS.has(fault)) ? [diskFaultsEnvironment(membersDir)] : []),
    ...(faults.some((fault) => ON_SET_CLOCKS.has(fault)) ? [environmentWithClock(membersDir, name)] : []),
  ]);
}
