import { dirname, join } from "node:path";
import { randomPick } from "@quorate/base";

import { clockEnvironment, setClock } from "../../harness/clock-jumps";
import { victims, type Nemesis, type Scene, type Whom } from "../nemesis";

const HOUR_MS = 3_600_000;
const MONTH_MS = 30 * 24 * HOUR_MS;
/** About as long as ticks, elections and leases last, and far beyond. */
const JUMPS_MS = [-MONTH_MS, -HOUR_MS, -30_000, -1500, -100, 100, 1500, 30_000, HOUR_MS, MONTH_MS];

/** Beside the members' directories, and not in one: a directory may be taken away. */
function clockOf(membersDir: string, name: string): string {
  return join(dirname(membersDir), "clocks", name);
}

/** What a raft-node is started with so that its wall clock can be set. */
export function environmentWithClock(membersDir: string, name: string): Readonly<Record<string, string>> {
  return clockEnvironment(clockOf(membersDir, name));
}

/** The wall clocks of some members jump, each by another time, and back in the end. */
export function clockJump(scene: Scene, whom: Whom): Nemesis {
  const { cluster, prng } = scene;
  const clock = (name: string): string => clockOf(dirname(cluster.memberDir(name)), name);
  let names: readonly string[] = [];
  return {
    async start() {
      names = await victims(scene, whom);
      const jumps = names.map((name) => ({ name, byMs: randomPick(prng, JUMPS_MS) }));
      for (const { name, byMs } of jumps) setClock(clock(name), byMs);
      return `set clocks by ${jumps.map(({ name, byMs }) => `${byMs} ms at ${name}`).join(", ")}`;
    },
    heal() {
      for (const name of names) setClock(clock(name), 0);
      return Promise.resolve();
    },
  };
}
