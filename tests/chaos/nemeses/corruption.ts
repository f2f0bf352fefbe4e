import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { randomPick } from "@quorate/base";

import { damage, type Damage } from "../../e2e/disk-damage";
import { run } from "../../harness/child-process";
import { eventually } from "../../harness/eventually";
import { leaderOf, memberAt } from "../../harness/member-states";
import { takeForDurable } from "../../harness/power-loss";
import { nodeExecutable, serviceMain } from "../../harness/repository";
import { victims, type Nemesis, type Scene } from "../nemesis";

const HEALED_WITHIN_MS = 90_000;
const LOOK_MS = 2000;
/** For the log to have something that can be lost. */
const WRITES_MS = 500;

/** What a member comes back from: by itself, or, if only its state is damaged, by the command of its README. */
const DAMAGES: Readonly<Record<string, Damage>> = {
  "a bit of its log": damage.logWalFlip,
  "a bit near the end of its log": damage.logWalFlipNearEnd,
  "a stretch of its log": damage.logWalErased,
  "half of its log": damage.logWalCut,
  "the last bytes of its log": damage.logWalTorn,
  "the newest file of its log": damage.logWalRemoved,
  "a slot of its anchor": damage.anchorSlot,
  "a bit of its state": damage.stateWalFlip,
  "the newest file of its state": damage.stateWalRemoved,
  "what its state begins with": (memberDir) =>
    writeFileSync(join(memberDir, "state", "CURRENT"), "MANIFEST-that-is-not-there\n"),
};

/** Damaged files of one member. Healed is what has everything again that the others have; only then the next may be hit. */
export function corruption(scene: Scene): Nemesis {
  const { cluster, prng } = scene;
  let victim: string | undefined;
  return {
    async start() {
      [victim] = await victims(scene, randomPick(prng, ["one", "leader"] as const));
      await cluster.tell("kill", victim!);
      // A start moves what is in write-ahead logs to tables: a member that never had one would lose its identity with a file,
      // and could only be replaced.
      await recovered(scene, victim!);
      await pause(WRITES_MS);
      await cluster.tell("kill", victim!);
      const what = randomPick(prng, Object.keys(DAMAGES));
      const done = hurt(DAMAGES[what]!, cluster.memberDir(victim!)) ? what : `nothing (no ${what})`;
      await cluster.tell("start", victim!);
      return `damaged ${done} of ${victim}`;
    },
    async heal() {
      if (victim !== undefined) await recovered(scene, victim);
    },
  };
}

/** @returns Whether there was anything to damage. */
function hurt(how: Damage, memberDir: string): boolean {
  try {
    how(memberDir);
    // Rot is on the disk, whatever was synced before: no power loss undoes it.
    takeForDurable(memberDir);
    return true;
  } catch (error) {
    if ((error as Error).message.startsWith("There is no file")) return false;
    throw error;
  }
}

/** Starts a member until it has what the leader has, with the documented command where it asks for it. */
export async function recovered({ cluster }: Scene, name: string): Promise<void> {
  await cluster.tell("start", name);
  await eventually(`${name} to be whole`, { withinMs: HEALED_WITHIN_MS }, async () => {
    if (cluster.kept(name).lastingExitCode !== undefined) {
      const memberDir = cluster.memberDir(name);
      if (readdirSync(memberDir).includes("fenced.json"))
        await run(nodeExecutable, [serviceMain("quorate"), "member", "recover", "--data-dir", memberDir], {
          timeoutMs: HEALED_WITHIN_MS,
        });
      takeForDurable(memberDir);
      await cluster.tell("start", name);
    }
    const leader = await leaderOf(cluster, LOOK_MS);
    const { appliedIndex } = await memberAt(cluster, leader, 0, LOOK_MS);
    return memberAt(cluster, name, appliedIndex, LOOK_MS);
  });
}
