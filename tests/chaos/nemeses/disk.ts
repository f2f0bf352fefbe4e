import { randomInteger, randomPick } from "@quorate/base";

import { failSyncs, fillDisk, lieAboutSyncs, release, stallSyncs } from "../../harness/disk-faults";
import { losePower } from "../../harness/power-loss";
import { victims, type Nemesis, type Scene, type Whom } from "../nemesis";

const RANDOM_STEPS = 1_000_000;

/** Ends members in one moment, and takes from their disks what was not synced, but for what the kernel may have written. */
export async function crashWithPowerLoss(scene: Scene, names: readonly string[]): Promise<string> {
  const { cluster, prng } = scene;
  // Frozen together first: none may tell another what it has lost.
  for (const name of names) await cluster.tell("pause", name);
  for (const name of names) await cluster.tell("kill", name);
  const random = (): number => randomInteger(prng, 0, RANDOM_STEPS - 1) / RANDOM_STEPS;
  const lost = names.map((name) => losePower(cluster.memberDir(name), { random }));
  return `lost the power of ${names.map((name, at) => `${name} (${lost[at]!.bytes} bytes)`).join(", ")}`;
}

export function powerLoss(scene: Scene, whom: Whom): Nemesis {
  let names: readonly string[] = [];
  return {
    async start() {
      names = await victims(scene, whom);
      return crashWithPowerLoss(scene, names);
    },
    async heal() {
      for (const name of names) await scene.cluster.tell("start", name);
    },
  };
}

/** A sync of one member fails, or all do: it must end, and come back with what was synced. */
export function fsyncFailure(scene: Scene): Nemesis {
  return onDisk(scene, "syncs fail", (dir) => failSyncs(dir, { times: randomInteger(scene.prng, 1, 3) }));
}

/** Syncs that take long, or do not end. */
export function slowSync(scene: Scene): Nemesis {
  const eachMs = randomInteger(scene.prng, 0, 4) === 0 ? undefined : randomInteger(scene.prng, 5, 700);
  return onDisk(scene, `syncs take ${eachMs ?? "for ever"} ms`, (dir) =>
    stallSyncs(dir, eachMs === undefined ? {} : { eachMs }),
  );
}

/** A disk with no room left. */
export function diskFull(scene: Scene): Nemesis {
  return onDisk(scene, "the disk is full", fillDisk);
}

/** Disks of all members say that they have synced, and have not; then the power is lost. No store survives that. */
export function lyingDisks(scene: Scene): Nemesis {
  const { cluster } = scene;
  const loss = powerLoss(scene, "all");
  return {
    async start() {
      for (const name of cluster.members) lieAboutSyncs(cluster.memberDir(name));
      return "disks lie";
    },
    async heal() {
      await loss.start();
      for (const name of cluster.members) release(cluster.memberDir(name));
      await loss.heal();
    },
  };
}

function onDisk(scene: Scene, what: string, hurt: (memberDir: string) => void): Nemesis {
  const { cluster, prng } = scene;
  let names: readonly string[] = [];
  return {
    async start() {
      names = await victims(scene, randomPick(prng, ["one", "leader"] as const));
      for (const name of names) hurt(cluster.memberDir(name));
      return `${what}: ${names.join(", ")}`;
    },
    async heal() {
      for (const name of names) {
        release(cluster.memberDir(name));
        await cluster.tell("start", name);
      }
    },
  };
}
