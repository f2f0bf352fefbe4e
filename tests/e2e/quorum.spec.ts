import { CallError } from "../harness/etcd-client";
import { textTable } from "../performance/text-table";
import { LoadedCluster } from "./loaded-cluster";

/** What `quorate dev` starts at once; more are added. */
const STARTED = 7;
const LARGEST = 9;
/** Longer than any election here takes: who takes no write for so long will not take one. */
const STALL_MS = 3000;
const WITHIN_MS = 40_000;
const WRITERS = 2;

// Goal: of n members exactly a majority is needed and enough, for every n that anybody runs, and nothing acknowledged is lost by
// what is too much. Method: a cluster of real processes shrinks from nine members to one, under writers. At every size members are
// killed one by one, whoever leads: the cluster serves when all are dead that may be, and stalls with one more; then one comes back. The tests build on each other.
describe("a cluster needs a majority and no more", () => {
  const rows: string[][] = [];
  let scene: LoadedCluster;

  beforeAll(async () => {
    scene = await LoadedCluster.start({ members: STARTED }, WITHIN_MS);
    while (scene.cluster.members.length < LARGEST) await scene.cluster.addMember();
  }, 180_000);

  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]();
    process.stderr.write(
      `${textTable(["members", "majority", "may be lost", "ms to serve again"], rows, [])}\n`,
    );
  }, 60_000);

  const sizes = Array.from({ length: LARGEST }, (_, at) => LARGEST - at);

  it.each(sizes)(
    "of %i members",
    async (size) => {
      const { cluster } = scene;
      while (cluster.members.length > size) await cluster.removeMember(cluster.members.at(-1)!);
      const { members } = cluster;
      expect(members).toHaveLength(size);
      const mayBeLost = Math.ceil(size / 2) - 1;
      const load = scene.load(`quorum/${size}/`, WRITERS);
      await load.untilAcknowledged(WRITERS, WITHIN_MS);

      const killed = members.slice(0, mayBeLost + 1);
      for (const name of killed.slice(0, -1)) await cluster.tell("kill", name);
      await cluster.untilWritable(WITHIN_MS);
      await load.untilAcknowledged(WRITERS, WITHIN_MS);

      await cluster.tell("kill", killed.at(-1)!);
      expect(await takesWrites()).toBe(false);

      await cluster.tell("start", killed.at(-1)!);
      const backMs = await cluster.untilWritable(WITHIN_MS);
      await Promise.all(killed.slice(0, -1).map((name) => cluster.tell("start", name)));
      await load.untilAcknowledged(WRITERS, WITHIN_MS);
      await load.stop();
      expect(await load.violations()).toEqual([]);
      await scene.expectAllAlike();
      rows.push([size, size - mayBeLost, mayBeLost, Math.round(backMs)].map(String));
    },
    180_000,
  );

  async function takesWrites(): Promise<boolean> {
    try {
      await scene.client.put({ key: Buffer.from("quorum/probe") }, STALL_MS);
      return true;
    } catch (error) {
      if (error instanceof CallError) return false;
      throw error;
    }
  }
});
