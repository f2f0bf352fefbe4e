import { utf8 } from "@quorate/base";
import type { SimulatedMember } from "./simulated-member";
import { SmallCluster } from "./small-cluster";

const SEEDS = [1, 2, 3, 4, 5, 6];
const KEY = utf8("planted");

describe("a simulated member whose state is not what its log leads to", () => {
  it.each(SEEDS.flatMap((seed) => [[seed, "follower"] as const, [seed, "leader"] as const]))(
    "is fenced while the others go on, and is sound again without its state (seed %d, the %s)",
    async (seed, role) => {
      const cluster = new SmallCluster(seed);
      expect(await cluster.write(20, KEY)).toBe(20);
      const victim = role === "leader" ? cluster.leader : cluster.followers[0]!;
      victim.plant("latest", KEY, undefined); // to it the next put will create the key
      expect(await cluster.write(10, KEY)).toBeGreaterThanOrEqual(role === "leader" ? 5 : 10);

      expect([...cluster.fenced]).toEqual([[victim, expect.stringMatching(/effect hashes are not equal/)]]);
      expect(victim.running).toBe(false);
      expect(cluster.alarms).toEqual([[victim.id], [victim.id]]);
      expect(await cluster.write(10, KEY)).toBe(10);

      victim.crash(false, true); // what recovering it does: its state is set aside
      victim.start();
      await cluster.pass(5000);
      expect(cluster.alarms).toEqual([[], [], []]);
      expect(new Set(cluster.effects).size).toBe(1);
      expect(cluster.fenced.size).toBe(1);
    },
    60_000,
  );

  it.each(SEEDS.slice(0, 2))(
    "is found by the hash of its key-values if nothing is applied to the wrong ones (seed %d)",
    async (seed) => {
      const cluster = new SmallCluster(seed, { corruptCheckMs: 4000 });
      const other = utf8("other");
      expect(await cluster.write(3, other)).toBe(3);
      expect(await cluster.write(2, KEY)).toBe(2);
      const [victim] = cluster.followers as [SimulatedMember];
      victim.plant("latest", other, undefined);
      expect(await cluster.write(3, KEY)).toBe(3);
      await cluster.pass(6000);
      expect([...cluster.fenced]).toEqual([[victim, expect.stringMatching(/key-values differ/)]]);
      expect(cluster.alarms).toEqual([[victim.id], [victim.id]]);
    },
    60_000,
  );

  it("is found before it serves, if it compares itself at its start", async () => {
    const cluster = new SmallCluster(1, { initialCorruptCheck: true });
    expect(await cluster.write(5, KEY)).toBe(5);
    const [victim, sound] = cluster.followers as [SimulatedMember, SimulatedMember];
    victim.plant("latest", KEY, undefined);
    for (const member of [victim, sound]) {
      member.crash(false);
      member.start();
    }
    await cluster.pass(25_000);
    expect([...cluster.fenced.keys()]).toEqual([victim]);
    expect(cluster.alarms).toEqual([[victim.id], [victim.id]]);
    expect(await cluster.write(3, KEY)).toBe(3);
  }, 60_000);

  it("stops all writes while nobody can tell who is right, and no longer", async () => {
    const cluster = new SmallCluster(1);
    expect(await cluster.write(5, KEY)).toBe(5);
    const [victim, away] = cluster.followers as [SimulatedMember, SimulatedMember];
    away.crash(false);
    victim.plant("latest", KEY, undefined);
    await cluster.write(1, KEY);
    await cluster.pass(5000);
    expect(cluster.fenced.size).toBe(0);
    expect(cluster.alarms).toEqual([[0n], [0n]]);
    expect(await cluster.write(2, KEY)).toBe(0);
    away.start();
    await cluster.pass(8000);
    expect([...cluster.fenced.keys()]).toEqual([victim]);
    expect(cluster.alarms).toEqual([[victim.id], [victim.id]]);
    expect(await cluster.write(5, KEY)).toBe(5);
  }, 60_000);
});
