import { VirtualTime } from "@quorate/actor";
import { seededPrng, utf8 } from "@quorate/base";
import type { MemberId } from "@quorate/raft";
import { MemoryNetwork } from "@quorate/transport";
import { etcdserverpb, parseClusterName, Subjects } from "@quorate/wire";
import { SimulatedGateway } from "./simulated-gateway";
import { SimulatedMember } from "./simulated-member";

const SEEDS = [1, 2, 3, 4, 5, 6];
const IDS = [11n, 12n, 13n] as MemberId[];
const KEY = utf8("planted");

/** Three members, of which some are given a state that their log does not lead to. One that is found out ends as the process does. */
class Bench {
  readonly time = new VirtualTime();
  readonly members: SimulatedMember[];
  readonly fenced = new Map<SimulatedMember, string>();
  readonly #gateway: SimulatedGateway;
  #puts = 0;

  constructor(seed: number, corruptCheckMs?: number) {
    const { time } = this;
    const prng = seededPrng(seed);
    const network = new MemoryNetwork({}, { clock: time, scheduler: time, prng });
    const subjects = new Subjects(parseClusterName("sim"));
    this.members = IDS.map(
      (memberId, at) =>
        new SimulatedMember(
          {
            name: `n${at + 1}`,
            memberId,
            clusterId: 0xc1n,
            configuration: { incoming: IDS, outgoing: [], learners: [] },
            logSpeed: { turnMsMax: 4, stallChance: 0, stallMsMax: 0 },
            applySpeed: { turnMsMax: 4, stallChance: 0, stallMsMax: 0 },
            cacheBytesMax: 300,
            autoCompaction: undefined,
            logKeepEntries: seed % 2 === 0 ? 5 : 5000, // recovered by a snapshot, or from the member's own log
            logKeepBytesMax: 1024 * 1024,
            snapshotChunkBytes: 2000,
            quota: { quotaBytes: Infinity, alarmClearing: "auto" },
            ...(corruptCheckMs === undefined ? {} : { corruptCheckMs }),
          },
          {
            time,
            prng,
            network,
            subjects,
            applied: () => undefined,
            spaceAlarm: () => undefined,
            damaged: (member, why) => this.#fence(member, why),
          },
        ),
    );
    this.#gateway = new SimulatedGateway(
      { id: 1n, timeoutMs: 3000 },
      { time, subjects, transport: network.connect("g") },
    );
    for (const member of this.members) member.start();
  }

  /** Lets time pass; what waits for a promise meanwhile gets its turn. */
  async pass(durationMs: number): Promise<void> {
    for (let passed = 0; passed < durationMs; passed += 50) {
      this.time.advance(50);
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  /** @returns how many of some writes, one after the other, were acknowledged. */
  async write(count: number, key = KEY): Promise<number> {
    let acknowledged = 0;
    for (let at = 0; at < count; at += 1) {
      const bytes = etcdserverpb.PutRequest.encode({ key, value: utf8(`${(this.#puts += 1)}`) }).finish();
      this.#gateway.write(
        { kind: "put", bytes },
        (outcome) => (acknowledged += Number(outcome.kind === "ok")),
      );
      await this.pass(100);
    }
    await this.pass(3000);
    return acknowledged;
  }

  get leader(): SimulatedMember {
    return this.members.find((member) => member.node?.status().leader === member.id)!;
  }

  get followers(): SimulatedMember[] {
    return this.members.filter((member) => member !== this.leader);
  }

  /** Whom the alarms name, as every member that runs has it. */
  get alarms(): bigint[][] {
    return this.members.flatMap((member) => {
      const alarms = member.node?.status().alarms;
      return alarms === undefined ? [] : [alarms.map(({ memberId }) => memberId)];
    });
  }

  get effects(): number[] {
    return this.members.flatMap((member) => member.node?.status().effectHash ?? []);
  }

  #fence(member: SimulatedMember, why: string): void {
    if (this.fenced.has(member)) return;
    this.fenced.set(member, why);
    void member.node!.leaveDamaged(why, 1000).then(() => member.crash(false));
  }
}

describe("a simulated member whose state is not what its log leads to", () => {
  it.each(SEEDS.flatMap((seed) => [[seed, "follower"] as const, [seed, "leader"] as const]))(
    "is fenced while the others go on, and is sound again without its state (seed %d, the %s)",
    async (seed, role) => {
      const bench = new Bench(seed);
      expect(await bench.write(20)).toBe(20);
      const victim = role === "leader" ? bench.leader : bench.followers[0]!;
      victim.plant("latest", KEY, undefined); // to it the next put will create the key
      expect(await bench.write(10)).toBeGreaterThanOrEqual(role === "leader" ? 5 : 10);

      expect([...bench.fenced]).toEqual([[victim, expect.stringMatching(/effect hashes are not equal/)]]);
      expect(victim.running).toBe(false);
      expect(bench.alarms).toEqual([[victim.id], [victim.id]]);
      expect(await bench.write(10)).toBe(10);

      victim.crash(false, true); // what recovering it does: its state is set aside
      victim.start();
      await bench.pass(5000);
      expect(bench.alarms).toEqual([[], [], []]);
      expect(new Set(bench.effects).size).toBe(1);
      expect(bench.fenced.size).toBe(1);
    },
    60_000,
  );

  it.each(SEEDS.slice(0, 2))(
    "is found by the hash of its key-values if nothing is applied to the wrong ones (seed %d)",
    async (seed) => {
      const bench = new Bench(seed, 4000);
      const other = utf8("other");
      expect(await bench.write(3, other)).toBe(3);
      expect(await bench.write(2)).toBe(2);
      const [victim] = bench.followers as [SimulatedMember];
      victim.plant("latest", other, undefined);
      expect(await bench.write(3)).toBe(3);
      await bench.pass(6000);
      expect([...bench.fenced]).toEqual([[victim, expect.stringMatching(/key-values differ/)]]);
      expect(bench.alarms).toEqual([[victim.id], [victim.id]]);
    },
  );

  it("stops all writes while nobody can tell who is right, and no longer", async () => {
    const bench = new Bench(1);
    expect(await bench.write(5)).toBe(5);
    const [victim, away] = bench.followers as [SimulatedMember, SimulatedMember];
    away.crash(false);
    victim.plant("latest", KEY, undefined);
    await bench.write(1);
    await bench.pass(5000);
    expect(bench.fenced.size).toBe(0);
    expect(bench.alarms).toEqual([[0n], [0n]]);
    expect(await bench.write(2)).toBe(0);
    away.start();
    await bench.pass(8000);
    expect([...bench.fenced.keys()]).toEqual([victim]);
    expect(bench.alarms).toEqual([[victim.id], [victim.id]]);
    expect(await bench.write(5)).toBe(5);
  });
});
