import { setTimeout as pause } from "node:timers/promises";

import { randomInteger, randomPick } from "@quorate/base";

import { victims, type Nemesis, type Scene, type Whom } from "../nemesis";

/** `kill -9`, and a start at the end. */
export function kill(scene: Scene, whom: Whom): Nemesis {
  let names: readonly string[] = [];
  return {
    async start() {
      names = await victims(scene, whom);
      await Promise.all(names.map((name) => scene.cluster.tell("kill", name)));
      return `killed ${names.join(", ")}`;
    },
    async heal() {
      for (const name of names) await scene.cluster.tell("start", name);
    },
  };
}

const STORM_PAUSE_MS = [100, 1500] as const;

/** Members killed and started, one after the other, before they have found their feet. */
export function restartStorm(scene: Scene): Nemesis {
  const { cluster, prng } = scene;
  let isOver = false;
  let storm: Promise<void> = Promise.resolve();
  return {
    async start() {
      storm = (async () => {
        while (!isOver) {
          const name = randomPick(prng, cluster.members);
          await cluster.tell("kill", name);
          await cluster.tell("start", name);
          await pause(randomInteger(prng, ...STORM_PAUSE_MS));
        }
      })();
      return "restarts members all the time";
    },
    async heal() {
      isOver = true;
      await storm;
    },
  };
}
