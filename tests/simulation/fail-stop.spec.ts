import { SmallCluster } from "./small-cluster";

const CASES = [1, 2, 3, 4].flatMap((seed) =>
  (["leader", "follower"] as const).flatMap((role) =>
    [true, false].map((firstReaches) => [seed, role, firstReaches] as const),
  ),
);

describe("a simulated member whose log cannot be written", () => {
  it.each(CASES)(
    "ends at once, and nothing that was acknowledged is lost (seed %d, the %s, the failed batch on disk: %s)",
    async (seed, role, firstReaches) => {
      const cluster = new SmallCluster(seed);
      await cluster.pass(4000);
      const before = cluster.writeMany("before/", 20);
      await cluster.pass(500);
      const victim = role === "leader" ? cluster.leader : cluster.followers[0]!;
      const meanwhile = cluster.writeMany("meanwhile/", 20);
      victim.disks.failWrites("log", firstReaches);
      await cluster.pass(4000);
      expect(victim.running).toBe(false);
      expect(before.size).toBe(20);
      const after = cluster.writeMany("after/", 20);
      await cluster.pass(4000);
      expect(after.size).toBe(20); // the others went on

      victim.start();
      await cluster.pass(4000);
      for (const [prefix, acknowledged] of [
        ["before/", before],
        ["meanwhile/", meanwhile],
        ["after/", after],
      ] as const) {
        const kept = await cluster.keys(prefix);
        expect([...acknowledged].filter((key) => !kept.has(key))).toEqual([]);
      }
      expect(new Set(cluster.effects).size).toBe(1);
      expect(cluster.effects).toHaveLength(3);
    },
    60_000,
  );

  it("ends a cluster whose disks all fail, until they are mended", async () => {
    const cluster = new SmallCluster(5);
    await cluster.pass(4000);
    for (const member of cluster.members) member.disks.failWrites("log", true);
    const acknowledged = cluster.writeMany("key/", 20);
    await cluster.pass(4000);
    expect(acknowledged.size).toBe(0);
    for (const member of cluster.members) if (!member.running) member.start();
    await cluster.pass(6000);
    expect(cluster.writeMany("later/", 1)).toBeDefined();
    await cluster.pass(4000);
    expect((await cluster.keys("later/")).size).toBe(1);
  }, 60_000);
});
