import { VirtualTime } from "@quorate/actor";
import { seededPrng, textOf, utf8 } from "@quorate/base";
import type { MemberId } from "@quorate/raft";
import { MemoryNetwork } from "@quorate/transport";
import { etcdserverpb, parseClusterName, Subjects } from "@quorate/wire";
import { SimulatedGateway } from "./simulated-gateway";
import { SimulatedMember } from "./simulated-member";
import type { SimulatedMemberOptions } from "./simulated-member-options";

const IDS = [11n, 12n, 13n] as MemberId[];

/** Three members and a gateway, for what is done to one of them on purpose. One that is found to be damaged ends as the process does. */
export class SmallCluster {
  readonly time = new VirtualTime();
  readonly members: SimulatedMember[];
  readonly fenced = new Map<SimulatedMember, string>();
  readonly #gateway: SimulatedGateway;
  #puts = 0;

  constructor(
    seed: number,
    checks: Pick<SimulatedMemberOptions, "corruptCheckMs" | "initialCorruptCheck"> = {},
  ) {
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
            mixesBuilds: false,
            strictAnchor: false,
            ...checks,
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
  async write(count: number, key: Uint8Array): Promise<number> {
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

  /** Writes keys of their own, without waiting for one another. @returns those that were acknowledged so far. */
  writeMany(prefix: string, count: number): ReadonlySet<string> {
    const acknowledged = new Set<string>();
    for (let at = 0; at < count; at += 1) {
      const key = `${prefix}${at}`;
      const bytes = etcdserverpb.PutRequest.encode({ key: utf8(key), value: utf8("v") }).finish();
      this.#gateway.write({ kind: "put", bytes }, (outcome) => {
        if (outcome.kind === "ok") acknowledged.add(key);
      });
    }
    return acknowledged;
  }

  /** The keys that begin with `prefix`. */
  async keys(prefix: string): Promise<ReadonlySet<string>> {
    const rangeEnd = utf8(prefix);
    rangeEnd[rangeEnd.length - 1]! += 1;
    const bytes = etcdserverpb.RangeRequest.encode({ key: utf8(prefix), rangeEnd, keysOnly: true }).finish();
    const keys = new Set<string>();
    this.#gateway.read({ kind: "range", bytes }, (outcome) => {
      if (outcome.kind !== "ok") return;
      for (const { key } of etcdserverpb.RangeResponse.decode(outcome.bytes).kvs) keys.add(textOf(key!));
    });
    await this.pass(2000);
    return keys;
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
