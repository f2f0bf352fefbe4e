import { VirtualTime } from "@quorate/actor";
import { crc32, randomChance, randomPick, seededPrng, utf8, type Prng } from "@quorate/base";
import type { Event } from "@quorate/mvcc";
import type { MemberId } from "@quorate/raft";
import type { AppliedPosition } from "@quorate/state-machine";
import { MemoryNetwork } from "@quorate/transport";
import { parseClusterName, Subjects } from "@quorate/wire";
import { checkHistory, HistoryViolation, type Operation } from "./history";
import { checkLeases, type LeaseFacts } from "./lease-history";
import { LeaseHolder } from "./lease-holder";
import { Nemesis } from "./nemesis";
import { SimulatedClient } from "./simulated-client";
import { SimulatedGateway } from "./simulated-gateway";
import { SimulatedMember } from "./simulated-member";

export interface SimulationReport {
  readonly seed: number;
  readonly members: number;
  readonly acknowledgedWrites: number;
  readonly reads: number;
  readonly unknown: number;
  /** Terms in which someone led. */
  readonly leaders: number;
  readonly crashes: number;
  readonly pauses: number;
  /** Leases that ended because their time was over, and acknowledged renewals. */
  readonly expired: number;
  readonly renewals: number;
  /** Of everything that was applied anywhere and every answer: the same seed gives the same. */
  readonly traceHash: number;
}

const FAULTS_MS = 12_000;
/** After all faults have ended: how long the cluster has to serve again and to agree. */
const RECOVERY_MS = 15_000;
const KEYS = ["a", "b", "c", "d"];

/**
 * A whole cluster under one seed: real cores, actors and gateway actors on simulated time, broker, disks and clients, with
 * faults that the seed draws. Throws what the seed found; reports what it did otherwise.
 */
export class Simulation {
  readonly #time = new VirtualTime();
  readonly #prng: Prng;
  readonly #network: MemoryNetwork;
  readonly #members: SimulatedMember[];
  readonly #clients: SimulatedClient[];
  readonly #holders: LeaseHolder[];
  readonly #nemesis: Nemesis;
  /** Who was seen leading in which term. */
  readonly #leaders = new Map<number, MemberId>();
  /** Effect hash by applied index, from whoever came there first. */
  readonly #effects = new Map<number, number>();
  /** When the first member came to each revision. */
  readonly #revisionTimes: number[] = [];
  #trace = 0;

  constructor(private readonly seed: number) {
    const time = this.#time;
    const prng = (this.#prng = seededPrng(seed));
    this.#network = new MemoryNetwork({}, { clock: time, scheduler: time, prng });
    const subjects = new Subjects(parseClusterName("sim"));
    const count = randomPick(prng, [1, 3, 3, 3, 5]);
    const ids = Array.from(
      { length: count },
      (_, at) => (BigInt(prng.next()) * 16n + BigInt(at + 1)) as MemberId,
    );
    const configuration = { incoming: ids, outgoing: [], learners: [] };
    const slow = randomChance(prng, 0.3);
    this.#members = ids.map(
      (memberId, at) =>
        new SimulatedMember(
          {
            name: `n${at + 1}`,
            memberId,
            clusterId: 0xc1n,
            configuration,
            logSpeed: { turnMsMax: slow ? 60 : 4, stallChance: slow ? 0.01 : 0, stallMsMax: 3000 },
            applySpeed: { turnMsMax: slow ? 30 : 2, stallChance: 0, stallMsMax: 0 },
            cacheBytesMax: randomPick(prng, [1, 300, 1024 * 1024]),
          },
          {
            time,
            prng,
            network: this.#network,
            subjects,
            applied: (member, at) => this.#applied(member, at),
          },
        ),
    );
    const gateways = [1, 2].map(
      (number) =>
        new SimulatedGateway(
          { id: BigInt(seed) * 16n + BigInt(number), timeoutMs: 3000 },
          { time, subjects, transport: this.#network.connect(`g${number}`) },
        ),
    );
    this.#clients = Array.from(
      { length: 6 },
      (_, number) =>
        new SimulatedClient(
          { number, keys: KEYS, thinkMsMax: 150 },
          { time, prng, gateway: gateways[number % gateways.length]! },
        ),
    );
    this.#holders = [100, 101, 102].map(
      (number, at) => new LeaseHolder({ number }, { time, prng, gateway: gateways[at % gateways.length]! }),
    );
    this.#nemesis = new Nemesis({
      time,
      prng,
      network: this.#network,
      members: this.#members,
      gateways: ["g1", "g2"],
    });
  }

  run(): SimulationReport {
    for (const member of this.#members) member.start();
    for (const client of [...this.#clients, ...this.#holders]) client.start();
    this.#nemesis.start();
    this.#advance(FAULTS_MS);
    this.#nemesis.stop();
    for (const member of this.#members) if (!member.running) member.start();
    this.#advance(RECOVERY_MS / 3);
    for (const client of [...this.#clients, ...this.#holders]) client.stop();
    this.#serveAgain();
    const operations = [...this.#clients, ...this.#holders].flatMap((client) => client.operations);
    const events = this.#agree();
    checkHistory(operations, events);
    const leases = this.#holders.flatMap((holder) => holder.leases);
    const facts = checkLeases(leases, events, (revision) => this.#revisionTimes[revision]!);
    return this.#report(operations, facts);
  }

  #advance(durationMs: number): void {
    for (let passed = 0; passed < durationMs; passed += 20) {
      this.#time.advance(20);
      this.#checkLeaders();
    }
  }

  /** Election safety: at most one leader in each term, for all time. */
  #checkLeaders(): void {
    for (const member of this.#members) {
      const status = member.node?.status();
      if (status === undefined || status.leader !== member.id) continue;
      const known = this.#leaders.get(status.term);
      if (known !== undefined && known !== member.id)
        throw new HistoryViolation(`two leaders in term ${status.term}`);
      this.#leaders.set(status.term, member.id);
    }
  }

  /** State machine safety: whoever applied an index has the same effects up to it. */
  #applied(member: SimulatedMember, position: AppliedPosition): void {
    const known = this.#effects.get(position.index);
    if (known !== undefined && known !== position.effectHash) {
      throw new HistoryViolation(`${member.name} differs from another member at index ${position.index}`);
    }
    this.#effects.set(position.index, position.effectHash);
    for (let revision = this.#revisionTimes.length; revision <= position.revision; revision += 1) {
      this.#revisionTimes.push(this.#time.now());
    }
    this.#note(`${member.name} ${position.index} ${position.effectHash} ${this.#time.now()}`);
  }

  /** Liveness: without faults, every key can be read and written within the time for recovery. */
  #serveAgain(): void {
    const [client] = this.#clients;
    let served = 0;
    for (const key of KEYS) {
      client!.final({ kind: "get", key }, (operation) => {
        if (operation.outcome.kind === "read") served += 1;
      });
    }
    client!.final({ kind: "put", key: "end", value: "end" }, (operation) => {
      if (operation.outcome.kind === "written") served += 1;
    });
    this.#advance(RECOVERY_MS / 3);
    if (served !== KEYS.length + 1)
      throw new HistoryViolation(`the cluster does not serve again: ${served} answers`);
  }

  /** Convergence: all members stand at the same index with the same effects, and hold the same events. */
  #agree(): readonly Event[] {
    this.#advance(RECOVERY_MS / 3);
    const statuses = this.#members.map((member) => member.node!.status());
    const [first] = statuses;
    for (const status of statuses) {
      if (status.appliedIndex !== first!.appliedIndex || status.effectHash !== first!.effectHash) {
        const seen = statuses.map((s) => `${s.appliedIndex}:${s.effectHash}`).join(" ");
        throw new HistoryViolation(`members do not agree in the end: ${seen}`);
      }
    }
    for (const member of this.#members) {
      if (member.leases > 0)
        throw new HistoryViolation(`${member.name} keeps ${member.leases} leases for ever`);
    }
    return this.#members[0]!.events();
  }

  #report(operations: readonly Operation[], leases: LeaseFacts): SimulationReport {
    const count = (kind: Operation["outcome"]["kind"]): number =>
      operations.filter((operation) => operation.outcome.kind === kind).length;
    for (const { returnedAt, outcome } of operations) this.#note(`${returnedAt} ${JSON.stringify(outcome)}`);
    return {
      seed: this.seed,
      members: this.#members.length,
      acknowledgedWrites: count("written"),
      reads: count("read"),
      unknown: count("unknown"),
      leaders: this.#leaders.size,
      crashes: this.#nemesis.crashes,
      pauses: this.#nemesis.pauses,
      ...leases,
      traceHash: this.#trace,
    };
  }

  #note(text: string): void {
    this.#trace = crc32(utf8(text), this.#trace);
  }
}
