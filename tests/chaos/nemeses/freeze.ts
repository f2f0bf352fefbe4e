import { victims, type Nemesis, type Scene, type Whom } from "../nemesis";

/** SIGSTOP, and SIGCONT at the end: to its peers a process looks like a host that hangs, and it wakes with what it knew. */
export function freeze(scene: Scene, whom: Whom): Nemesis {
  let names: readonly string[] = [];
  return {
    async start() {
      names = await victims(scene, whom);
      for (const name of names) await scene.cluster.tell("pause", name);
      return `paused ${names.join(", ")}`;
    },
    async heal() {
      for (const name of names) await scene.cluster.tell("resume", name);
    },
  };
}
