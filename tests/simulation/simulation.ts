import { VirtualTime } from "@quorate/actor";
import { crc32, randomChance, randomInteger, randomPick, utf8, type Prng } from "@quorate/base";
import type { Event, Revision } from "@quorate/mvcc";
import type { MemberId } from "@quorate/raft";
import { CLUSTER_VERSION_MAX, type AppliedPosition } from "@quorate/state-machine";
import { MemoryNetwork } from "@quorate/transport";
import { etcdserverpb, parseClusterName, Subjects, type NodeStatus } from "@quorate/wire";
import type { QuotaOptions } from "../../services/raft-node/src/actors/quota-actor";
import type { AutoCompaction } from "../../services/raft-node/src/auto-compaction";
import { isOk, mayChange, type Operation } from "../checkers/history";
import { checkLeases, type LeaseFacts } from "../checkers/leases";
import { checkLinearizable, SEARCH_LIMITS } from "../checkers/linearizability/check-linearizable";
import { checkListAppend } from "../checkers/list-append/check-list-append";
import { checkRevisions } from "../checkers/revision-replay";
import { HistoryViolation, NotCheckedError } from "../checkers/violation";
import { checkWatches, type WatchRecord } from "../checkers/watches";
import { changesOf } from "../workloads/store-messages";
import { drawSchedule } from "./draw-schedule";
import { Cuts } from "./faults/cuts";
import { SimulatedBrokers } from "./faults/simulated-brokers";
import { strangersOf } from "./faults/strangers";
import type { Crashable } from "./faults/world";
import { markHistory } from "./history-marks";
import { LeaseHolder } from "./lease-holder";
import { Marks, type Mark } from "./marks";
import { Nemesis, type FaultCounts } from "./nemesis";
import type { Schedule } from "./schedule";
import { SimulatedClient } from "./simulated-client";
import { SimulatedDisarmer } from "./simulated-disarmer";
import { SimulatedFanout } from "./simulated-fanout";
import { SimulatedGateway } from "./simulated-gateway";
import {
  SimulatedMember,
  type SimulatedMemberDependencies,
  type SimulatedMemberOptions,
} from "./simulated-member";
import { SimulatedOperator } from "./simulated-operator";
import { SimulatedWatchClient } from "./simulated-watch-client";
import { SimulatedWatchGateway } from "./simulated-watch-gateway";
import { limitsOf } from "./small-limits";
import { streamOf } from "./streams";

export interface SimulationReport {
  readonly seed: number;
  readonly members: number;
  readonly acknowledgedWrites: number;
  readonly reads: number;
  readonly unknown: number;
  /** Whether the search for an order that explains all answers came to its end; it may be too long. */
  readonly searched: boolean;
  /** Elements that were appended to lists and seen. */
  readonly listElements: number;
  /** Terms in which someone led. */
  readonly leaders: number;
  /** What was done to the cluster, and how often. */
  readonly faults: FaultCounts;
  /** Processes that ended because a disk had failed. */
  readonly diskDeaths: number;
  /** Processes that ended between two of their effects. */
  readonly boundaryDeaths: number;
  /** Snapshots installed, and starts with a state that was lost and is not in the log any more. */
  readonly snapshots: number;
  readonly damages: number;
  /** Losses of the end of a log, and starts in repair mode. */
  readonly losses: number;
  readonly repairs: number;
  /** Membership changes and transfers that were carried out, and orders that were refused. */
  readonly changes: number;
  readonly transfers: number;
  readonly ordersRefused: number;
  readonly retired: number;
  /** How often a member of the build before found that it is too old, and ended. */
  readonly refusals: number;
  /** Leases that ended because their time was over, and acknowledged renewals. */
  readonly expired: number;
  readonly renewals: number;
  /** Writes that were refused because the quota was used up, and how often that began. */
  readonly refusedForSpace: number;
  readonly spaceAlarms: number;
  /** What watchers received, and how often they had to open their stream anew. */
  readonly watchEvents: number;
  readonly watchProgress: number;
  readonly watchesCompacted: number;
  readonly watchesResumed: number;
  /** The rare states that it came to. */
  readonly marks: readonly Mark[];
  /** How long it was, in its own milliseconds. */
  readonly virtualMs: number;
  /** Of everything that was applied anywhere and every answer: the same seed gives the same. */
  readonly traceHash: number;
}

const FAULTS_MS = 12_000;
/** After all faults have ended: how long the cluster has to serve again and to agree. */
const RECOVERY_MS = 15_000;
/** After the last write: how long members may take to become the same. */
const AGREEMENT_MS = 40_000;
/** In the end all members run this build; one after the other is upgraded. */
const UPGRADE_EVERY_MS = 400;
/** By steps and not by time, so that a seed does the same everywhere: some seconds. */
const CLOCK_RATE_MAX = 1.2;
/** Messages kept to be sent once more, late. */
const SENT_KEPT = 5000;
const SEARCH_STEPS_MAX = 300_000;
const KEYS = ["a", "b", "c", "d"];
const LISTS = ["list/1", "list/2", "list/3"];

/**
 * A whole cluster under one seed: real cores, actors and gateway actors on simulated time, broker, disks and clients, with
 * faults that the seed draws, or a schedule says. Throws what the seed found; reports what it did otherwise.
 */
export class Simulation {
  /** What happens to the cluster: what the seed has drawn, unless another one was given. */
  readonly schedule: Schedule;
  readonly #time = new VirtualTime();
  readonly #prng: Prng;
  readonly #network: MemoryNetwork;
  readonly #members: SimulatedMember[];
  /** Those that are there from the beginning. */
  readonly #founders: readonly SimulatedMember[];
  readonly #clients: SimulatedClient[];
  /** Who append to lists, in some seeds. */
  readonly #listClients: SimulatedClient[];
  readonly #holders: LeaseHolder[];
  readonly #watching: (SimulatedFanout | SimulatedWatchGateway)[];
  readonly #watchClients: SimulatedWatchClient[];
  readonly #compactor: SimulatedGateway | undefined;
  readonly #operator: SimulatedOperator | undefined;
  /** Undefined: far from what is ever written. */
  readonly #quota: QuotaOptions | undefined;
  readonly #disarmer: SimulatedDisarmer;
  /** The entries whose application made NOSPACE active. */
  readonly #spaceAlarms = new Set<number>();
  /** Who reads, writes and watches, by name. */
  readonly #callers: ReadonlyMap<string, { start(): void }>;
  readonly #nemesis: Nemesis;
  readonly #marks = new Marks();
  /** When a leader was first seen in each term. */
  readonly #leadersSeenAt: number[] = [];
  /** Who was seen leading in which term. */
  readonly #leaders = new Map<number, MemberId>();
  /** Effect hash by applied index, from whoever came there first. */
  readonly #effects = new Map<number, number>();
  /** When the first member came to each revision. */
  readonly #revisionTimes: number[] = [];
  /** Every event, from whoever applied it first. */
  readonly #log: Event[] = [];
  #revision = 1 as Revision;
  #compactRevision = -1 as Revision;
  #trace = 0;
  /** Nothing is proposed any more. */
  #isOver = false;

  constructor(
    private readonly seed: number,
    schedule?: Schedule,
  ) {
    const time = this.#time;
    const stream = (name: string): Prng => streamOf(seed, name);
    const prng = stream("cluster");
    this.#prng = stream("afterwards");
    this.#network = new MemoryNetwork(
      { sentKept: SENT_KEPT },
      { clock: time, scheduler: time, prng: stream("network") },
    );
    const limits = limitsOf(seed);
    const subjects = new Subjects(parseClusterName("sim"));
    const count = randomPick(prng, [1, 3, 3, 3, 5]);
    const ids = Array.from(
      { length: count },
      (_, at) => (BigInt(prng.next()) * 16n + BigInt(at + 1)) as MemberId,
    );
    const founders = { incoming: ids, outgoing: [], learners: [] };
    const nobody = { incoming: [], outgoing: [], learners: [] };
    const operated = randomChance(prng, 0.5);
    const spare = operated ? randomInteger(prng, 1, 3) : 0;
    const all = [...ids, ...ids.slice(0, spare).map((id) => (id + 8n) as MemberId)];
    const slow = randomChance(prng, 0.3);
    const compaction = randomPick(prng, ["none", "client", "automatic", "both"] as const);
    const autoCompaction =
      compaction === "automatic" || compaction === "both"
        ? randomPick<AutoCompaction>(prng, [
            { mode: "revision", revisions: 10, everyMs: 700 },
            { mode: "periodic", periodMs: 1500 },
          ])
        : undefined;
    const keepsLittle = randomChance(prng, 0.5);
    const logKeepEntries = keepsLittle ? randomPick(prng, [1, 5, 20]) : 5000;
    // In bytes too little for members that merely are slow.
    const logKeepBytesMax = keepsLittle ? randomPick(prng, [1000, 5000, 1024 * 1024]) : 1024 * 1024;
    const snapshotChunkBytes = randomPick(prng, [200, 2000, 512 * 1024]);
    this.#quota = randomChance(prng, 0.4)
      ? {
          quotaBytes: randomInteger(prng, 2000, 5000),
          alarmClearing: randomPick(prng, ["auto", "auto", "manual"]),
        }
      : undefined;
    const mixesBuilds = randomChance(prng, 0.5);
    // A lagging anchor may miss what was lost last, and so may the members: only a strict one is worth a promise.
    const losesLogs = !operated && randomChance(prng, 0.8);
    const strictAnchor = losesLogs || randomChance(prng, 0.2);
    const member = (
      name: string,
      {
        memberId,
        clusterId,
        configuration,
        raftOnly = false,
      }: Pick<SimulatedMemberOptions, "memberId" | "clusterId" | "configuration" | "raftOnly">,
      dependencies: Pick<SimulatedMemberDependencies, "applied" | "spaceAlarm">,
    ): SimulatedMember =>
      new SimulatedMember(
        {
          name,
          memberId,
          clusterId,
          configuration,
          raftOnly,
          logSpeed: { turnMsMax: slow ? 60 : 4, stallChance: slow ? 0.01 : 0, stallMsMax: 3000 },
          applySpeed: { turnMsMax: slow ? 30 : 2, stallChance: 0, stallMsMax: 0 },
          cacheBytesMax: randomPick(prng, [1, 300, 1024 * 1024]),
          autoCompaction,
          logKeepEntries,
          logKeepBytesMax,
          snapshotChunkBytes,
          strictAnchor,
          limits,
          quota: this.#quota ?? { quotaBytes: Infinity, alarmClearing: "auto" },
          mixesBuilds,
        },
        {
          time,
          prng: stream(`member ${name}`),
          network: this.#network,
          subjects,
          marks: this.#marks,
          ...dependencies,
          damaged: (member, why) => {
            throw new HistoryViolation(`${member.name} was taken for damaged: ${why}`);
          },
        },
      );
    this.#members = all.map((memberId, at) =>
      member(
        `n${at + 1}`,
        { memberId, clusterId: 0xc1n, configuration: ids.includes(memberId) ? founders : nobody },
        {
          applied: (who, position, events) => this.#applied(who, position, events),
          spaceAlarm: (index) => this.#spaceAlarms.add(index),
        },
      ),
    );
    // Of the ids of these members, and with starts enough to be taken for their newest ones.
    const strangers = (pick: number): Crashable =>
      strangersOf(
        ids
          .slice(0, (count >> 1) + 1)
          .map((memberId, at) =>
            member(
              `stranger${pick}-${at}`,
              { memberId, clusterId: 0xbadn, configuration: founders, raftOnly: true },
              { applied: () => undefined, spaceAlarm: () => undefined },
            ),
          ),
      );
    const gateways = [1, 2].map(
      (number) =>
        new SimulatedGateway(
          { id: BigInt(seed) * 16n + BigInt(number), timeoutMs: 3000, limits: limits.gateway },
          { time, subjects, transport: this.#network.connect(`g${number}`) },
        ),
    );
    this.#clients = Array.from(
      { length: 6 },
      (_, number) =>
        new SimulatedClient(
          { number, keys: KEYS, thinkMsMax: 150, mix: randomPick(prng, ["register", "register", "txn"]) },
          { time, prng: stream(`client ${number}`), gateway: gateways[number % gateways.length]! },
        ),
    );
    this.#listClients = (randomChance(prng, 0.4) ? [200, 201, 202] : []).map(
      (number, at) =>
        new SimulatedClient(
          { number, keys: LISTS, thinkMsMax: 300, mix: "list-append" },
          { time, prng: stream(`client ${number}`), gateway: gateways[at % gateways.length]! },
        ),
    );
    this.#holders = [100, 101, 102].map(
      (number, at) =>
        new LeaseHolder(
          { number, clockRateMax: CLOCK_RATE_MAX },
          { time, prng: stream(`holder ${number}`), gateway: gateways[at % gateways.length]! },
        ),
    );
    const shared = { time, network: this.#network, subjects, marks: this.#marks };
    const fanouts = ["f1", "f2"].map(
      (name) =>
        new SimulatedFanout(
          {
            name,
            windowBytesMax: randomPick(prng, [1, 2000, 1024 * 1024]),
            historyChunkBytes: randomPick(prng, [1, 100, 100_000]),
          },
          { ...shared, prng: stream(name) },
        ),
    );
    const watchGateways = ["w1", "w2"].map(
      (name) =>
        new SimulatedWatchGateway(
          { name, streamWindowBytes: randomPick(prng, [1024, 1024 * 1024]) },
          { ...shared, prng: stream(name) },
        ),
    );
    this.#watching = [...fanouts, ...watchGateways];
    this.#watchClients = Array.from(
      { length: 4 },
      (_, number) =>
        new SimulatedWatchClient(
          { number, keys: KEYS, slowChance: randomPick(prng, [0, 0.1, 0.5]) },
          { time, prng: stream(`watch client ${number}`), gateways: watchGateways },
        ),
    );
    const clientsCompact = this.#quota !== undefined || compaction === "client" || compaction === "both";
    this.#compactor = clientsCompact ? gateways[0] : undefined;
    this.#operator = operated
      ? new SimulatedOperator({
          prng: stream("operator"),
          transport: this.#network.connect("operator"),
          subjects,
          members: this.#members,
        })
      : undefined;
    this.#founders = this.#members.slice(0, count);
    this.#disarmer = new SimulatedDisarmer({ time, prng: stream("disarmer"), gateway: gateways[1]! });
    this.#callers = new Map<string, { start(): void }>([
      ...[...this.#clients, ...this.#listClients].map(
        (client) => [`client ${client.number}`, client] as const,
      ),
      ...this.#holders.map((holder) => [`holder ${holder.number}`, holder] as const),
      ...this.#watchClients.map((client) => [`watch client ${client.number}`, client] as const),
    ]);
    const callers = [...this.#callers.keys()];
    this.schedule =
      schedule ??
      drawSchedule(seed, {
        endMs: FAULTS_MS,
        losesLogs,
        operated,
        mixesBuilds,
        compacts: clientsCompact,
        callers,
      });
    const cuts = new Cuts(this.#network.faults);
    const names = [...this.#members, ...this.#watching]
      .map(({ name }) => name)
      .concat("g1", "g2", "operator");
    this.#nemesis = new Nemesis(this.schedule, {
      time,
      network: this.#network,
      brokers: new SimulatedBrokers(names, { time, network: this.#network, cuts }),
      cuts,
      members: this.#members,
      gateways: ["g1", "g2"],
      watching: this.#watching,
      operator: this.#operator,
      strangers,
      join: (caller) => this.#callers.get(caller)?.start(),
      compact: (behind) => this.#compact(gateways[0]!, this.#revision - behind),
    });
  }

  run(): SimulationReport {
    for (const member of this.#founders) member.start();
    for (const process of this.#watching) process.start();
    const callers = [...this.#clients, ...this.#listClients, ...this.#holders];
    if (this.#quota?.alarmClearing === "manual") this.#disarmer.start();
    this.#nemesis.start();
    this.#advance(FAULTS_MS);
    this.#nemesis.stop();
    if (this.#compactor !== undefined) this.#compactLater(this.#compactor);
    for (const member of this.#members) member.calm();
    for (const process of [...this.#members.filter(({ started }) => started), ...this.#watching]) {
      if (!process.running) process.start();
    }
    for (const [at, member] of this.#members.entries())
      this.#time.setTimer(at * UPGRADE_EVERY_MS, () => member.upgrade());
    for (const client of this.#watchClients) client.settle();
    this.#advance(RECOVERY_MS / 3);
    for (const caller of callers) caller.stop();
    // Nobody writes any more, so that compaction, or the disarmer, gets ahead of the last alarm.
    if (this.#quota !== undefined) this.#advance(RECOVERY_MS / 3);
    this.#serveAgain();
    const operations = callers.flatMap((caller) => caller.operations);
    this.#agree();
    const log = changesOf(this.#log);
    checkRevisions(operations, log);
    const searched = isSearched(this.#clients.flatMap((client) => client.operations));
    const { elements: listElements } = checkListAppend(
      this.#listClients.flatMap((client) => client.operations),
    );
    const leases = this.#holders.flatMap((holder) => holder.leases);
    const facts = checkLeases(leases, log, (revision) => this.#revisionTimes[revision]!);
    for (const client of this.#watchClients) client.finish();
    const records = this.#watchClients.flatMap((client) => client.records);
    checkWatches(records, log, this.#compactRevision);
    const watchesResumed = this.#watchClients.reduce((sum, { resumed }) => sum + resumed, 0);
    const leadersSeenAt = this.#leadersSeenAt;
    markHistory(this.#marks, { operations, log, watches: records, watchesResumed, leadersSeenAt });
    return { ...this.#report(operations, facts, records), searched, listElements };
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
      if (known === undefined) this.#leadersSeenAt.push(this.#time.now());
      this.#leaders.set(status.term, member.id);
    }
  }

  /** State machine safety: whoever applied an index has the same effects up to it. */
  #applied(
    member: SimulatedMember,
    position: AppliedPosition,
    events: (from: Revision) => Iterable<Event>,
  ): void {
    if (position.revision > this.#revision) {
      this.#log.push(...events((this.#revision + 1) as Revision));
      this.#revision = position.revision;
    }
    if (position.compactRevision > this.#compactRevision) this.#compactRevision = position.compactRevision;
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
      client!.final({ kind: "range", key }, (operation) => {
        if (isOk(operation)) served += 1;
      });
    }
    client!.final({ kind: "put", key: "end", value: "end" }, (operation) => {
      if (isOk(operation)) served += 1;
    });
    this.#advance(RECOVERY_MS / 3);
    if (served !== KEYS.length + 1)
      throw new HistoryViolation(`the cluster does not serve again: ${served} answers`);
  }

  /** After the faults: once, or where space is short until the end, since what is served then needs some. */
  #compactLater(gateway: SimulatedGateway): void {
    this.#time.setTimer(randomInteger(this.#prng, 100, 2000), () => {
      this.#compact(gateway, this.#revision);
      if (this.#quota !== undefined && !this.#isOver) this.#compactLater(gateway);
    });
  }

  #compact(gateway: SimulatedGateway, revision: number): void {
    const bytes = etcdserverpb.CompactionRequest.encode({ revision }).finish();
    if (revision > 0) gateway.write({ kind: "compact", bytes }, () => undefined);
  }

  /**
   * Convergence: all members stand at the same index with the same effects, and hold the same at every kept revision. Who was
   * removed may be anywhere.
   */
  #agree(): void {
    this.#isOver = true;
    this.#disarmer.stop();
    // A snapshot in the smallest of chunks, one at a time, takes longer than all else.
    const endMs = this.#time.now() + AGREEMENT_MS;
    do this.#advance(RECOVERY_MS / 3);
    while (!this.#areLevel() && this.#time.now() < endMs);
    const leader = this.#members.find((member) => member.node?.status().leader === member.id);
    const present = leader?.node?.status().members.map(({ id }) => id) ?? [];
    const members = this.#members.filter(({ id }) => present.includes(id));
    if (members.length === 0) throw new HistoryViolation("nobody leads in the end");
    const statuses = members.map((member) => member.node!.status());
    const [first] = statuses;
    for (const status of statuses) {
      if (status.clusterVersion !== CLUSTER_VERSION_MAX)
        throw new HistoryViolation(`the cluster version is ${status.clusterVersion} in the end`);
      if (status.appliedIndex !== first!.appliedIndex || status.effectHash !== first!.effectHash) {
        const seen = statuses.map((s) => `${s.appliedIndex}:${s.effectHash}`).join(" ");
        throw new HistoryViolation(`members do not agree in the end: ${seen}`);
      }
    }
    for (const revision of [Math.max(this.#compactRevision, 1), this.#revision] as Revision[]) {
      const hashes = members.map((member) => member.hashKv(revision));
      if (new Set(hashes).size > 1)
        throw new HistoryViolation(`members differ at revision ${revision}: ${hashes.join(" ")}`);
    }
    for (const member of members) {
      const { storedBytes, alarms } = member.node!.status();
      if (storedBytes !== member.countedBytes)
        throw new HistoryViolation(
          `${member.name} stores ${member.countedBytes} bytes, and says ${storedBytes}`,
        );
      if (alarms.length > 0) throw new HistoryViolation(`${member.name} is alarmed for ever`);
      if (member.leases > 0)
        throw new HistoryViolation(`${member.name} keeps ${member.leases} leases for ever`);
    }
  }

  /** Whether all members of the leader's configuration have applied as much as it has, under the newest build's cluster version. */
  #areLevel(): boolean {
    const leader = this.#members.find((member) => member.node?.status().leader === member.id);
    const status = leader?.node?.status();
    const present = status?.members.map(({ id }) => id) ?? [];
    const members = this.#members.filter(({ id }) => present.includes(id));
    const isLevel = ({ appliedIndex, clusterVersion }: NodeStatus): boolean =>
      appliedIndex === status?.appliedIndex && clusterVersion === CLUSTER_VERSION_MAX;
    return members.length > 0 && members.every(({ node }) => node !== undefined && isLevel(node.status()));
  }

  #report(
    operations: readonly Operation[],
    leases: LeaseFacts,
    records: readonly WatchRecord[],
  ): Omit<SimulationReport, "searched" | "listElements"> {
    const acknowledged = operations.filter(isOk);
    const writes = acknowledged.filter(({ request }) => mayChange(request)).length;
    for (const { events } of records) this.#note(events.map(({ revision }) => revision).join());
    for (const { returnedAt, outcome } of operations) this.#note(`${returnedAt} ${JSON.stringify(outcome)}`);
    return {
      seed: this.seed,
      members: this.#members.length,
      acknowledgedWrites: writes,
      reads: acknowledged.length - writes,
      unknown: operations.filter(({ outcome }) => outcome.kind === "unknown").length,
      leaders: this.#leaders.size,
      faults: this.#nemesis.counts,
      diskDeaths: this.#members.reduce((sum, { diskDeaths }) => sum + diskDeaths, 0),
      boundaryDeaths: this.#members.reduce((sum, { boundaryDeaths }) => sum + boundaryDeaths, 0),
      snapshots: this.#members.reduce((sum, { snapshots }) => sum + snapshots, 0),
      damages: this.#members.reduce((sum, { damages }) => sum + damages, 0),
      losses: this.#members.reduce((sum, { losses }) => sum + losses, 0),
      repairs: this.#members.reduce((sum, { repairs }) => sum + repairs, 0),
      changes: this.#operator?.changes ?? 0,
      transfers: this.#operator?.transfers ?? 0,
      ordersRefused: this.#operator?.refused ?? 0,
      retired: this.#members.filter(({ retired }) => retired).length,
      ...leases,
      refusedForSpace: operations.filter(
        ({ outcome }) => outcome.kind === "refused" && outcome.code === "no-space",
      ).length,
      spaceAlarms: this.#spaceAlarms.size,
      refusals: this.#members.reduce((sum, { refusals }) => sum + refusals, 0),
      watchEvents: records.reduce((sum, { events }) => sum + events.length, 0),
      watchProgress: records.reduce((sum, { progress }) => sum + progress.length, 0),
      watchesCompacted: records.filter(({ compactRevision }) => compactRevision !== undefined).length,
      watchesResumed: this.#watchClients.reduce((sum, { resumed }) => sum + resumed, 0),
      marks: this.#marks.reached,
      virtualMs: this.#time.now(),
      traceHash: this.#trace,
    };
  }

  #note(text: string): void {
    this.#trace = crc32(utf8(text), this.#trace);
  }
}

/** @returns False: it was given up. @throws {HistoryViolation} */
function isSearched(operations: readonly Operation[]): boolean {
  try {
    checkLinearizable(operations, [], { ...SEARCH_LIMITS, timeMsMax: Infinity, stepsMax: SEARCH_STEPS_MAX });
    return true;
  } catch (error) {
    if (error instanceof NotCheckedError) return false;
    throw error;
  }
}
