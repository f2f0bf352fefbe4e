import { VirtualTime } from "@quorate/actor";
import { randomInteger, type Prng } from "@quorate/base";
import type { Revision } from "@quorate/mvcc";
import { MemoryNetwork } from "@quorate/transport";
import { etcdserverpb } from "@quorate/wire";
import { isOk, mayChange, type Operation } from "../checkers/history";
import { checkLeases, type LeaseFacts } from "../checkers/leases";
import { checkLinearizable, SEARCH_LIMITS } from "../checkers/linearizability/check-linearizable";
import { checkListAppend } from "../checkers/list-append/check-list-append";
import { checkRevisions } from "../checkers/revision-replay";
import { HistoryViolation, NotCheckedError } from "../checkers/violation";
import { checkWatches, type WatchRecord } from "../checkers/watches";
import { changesOf } from "../workloads/store-messages";
import { Cast } from "./cast";
import { areLevel, expectAgreement } from "./convergence";
import { drawSchedule } from "./draw-schedule";
import { Cuts } from "./faults/cuts";
import { SimulatedBrokers } from "./faults/simulated-brokers";
import { markHistory } from "./history-marks";
import { Marks } from "./marks";
import { Nemesis } from "./nemesis";
import { SafetyWatch } from "./safety-watch";
import type { Schedule } from "./schedule";
import { drawSetting, type Setting } from "./setting";
import type { SimulationReport } from "./simulation-report";
import { streamOf } from "./streams";

const FAULTS_MS = 12_000;
/** After all faults have ended: how long the cluster has to serve again and to agree. */
const RECOVERY_MS = 15_000;
/** After the last write: how long members may take to become the same. */
const AGREEMENT_MS = 40_000;
/** In the end all members run this build; one after the other is upgraded. */
const UPGRADE_EVERY_MS = 400;
/** Messages kept to be sent once more, late. */
const SENT_KEPT = 5000;
/** By steps and not by time, so that a seed does the same everywhere: some seconds. */
const SEARCH_STEPS_MAX = 300_000;

/**
 * A whole cluster under one seed: real cores, actors and gateway actors on simulated time, broker, disks and clients, with
 * faults that the seed draws, or a schedule says. Throws what the seed found; reports what it did otherwise.
 */
export class Simulation {
  /** What happens to the cluster: what the seed has drawn, unless another one was given. */
  readonly schedule: Schedule;
  readonly #time = new VirtualTime();
  readonly #setting: Setting;
  readonly #prng: Prng;
  readonly #marks = new Marks();
  readonly #safety = new SafetyWatch(() => this.#time.now());
  readonly #cast: Cast;
  readonly #nemesis: Nemesis;
  /** The entries whose application made NOSPACE active. */
  readonly #spaceAlarms = new Set<number>();
  /** Nothing is proposed any more. */
  #isOver = false;

  constructor(
    private readonly seed: number,
    schedule?: Schedule,
  ) {
    const time = this.#time;
    this.#prng = streamOf(seed, "afterwards");
    this.#setting = drawSetting(seed);
    const network = new MemoryNetwork(
      { sentKept: SENT_KEPT },
      { clock: time, scheduler: time, prng: streamOf(seed, "network") },
    );
    const cast = new Cast(seed, this.#setting, {
      time,
      network,
      marks: this.#marks,
      applied: (...what) => this.#safety.applied(...what),
      spaceAlarm: (index) => this.#spaceAlarms.add(index),
    });
    this.#cast = cast;
    const callers = cast.callers;
    this.schedule =
      schedule ?? drawSchedule(seed, { ...this.#setting, endMs: FAULTS_MS, callers: [...callers.keys()] });
    const cuts = new Cuts(network.faults);
    this.#nemesis = new Nemesis(this.schedule, {
      time,
      network,
      brokers: new SimulatedBrokers(cast.names, { time, network, cuts }),
      cuts,
      members: cast.members,
      gateways: ["g1", "g2"],
      watching: cast.watching,
      operator: cast.operator,
      strangers: (pick) => cast.strangers(pick),
      join: (caller) => callers.get(caller)?.start(),
      compact: (behind) => this.#compact(this.#safety.revision - behind),
    });
  }

  run(): SimulationReport {
    const { founders, watching, watchClients, disarmer } = this.#cast;
    for (const member of founders) member.start();
    for (const process of watching) process.start();
    if (this.#setting.quota?.alarmClearing === "manual") disarmer.start();
    this.#nemesis.start();
    this.#advance(FAULTS_MS);
    this.#nemesis.stop();
    this.#recover();
    this.#serveAgain();
    this.#agree();
    for (const client of watchClients) client.finish();
    return this.#judge();
  }

  #advance(durationMs: number): void {
    for (let passed = 0; passed < durationMs; passed += 20) {
      this.#time.advance(20);
      this.#safety.leaders(this.#cast.members);
    }
  }

  /** Everything runs, and all of this build; the callers come to their end. */
  #recover(): void {
    const { members, watching, watchClients, writers } = this.#cast;
    if (this.#setting.compacts) this.#compactLater();
    for (const member of members) member.calm();
    for (const process of [...members.filter(({ started }) => started), ...watching])
      if (!process.running) process.start();
    for (const [at, member] of members.entries())
      this.#time.setTimer(at * UPGRADE_EVERY_MS, () => member.upgrade());
    for (const client of watchClients) client.settle();
    this.#advance(RECOVERY_MS / 3);
    for (const caller of writers) caller.stop();
    // Nobody writes any more, so that compaction, or the disarmer, gets ahead of the last alarm.
    if (this.#setting.quota !== undefined) this.#advance(RECOVERY_MS / 3);
  }

  /** Liveness: without faults, every key can be read and written within the time for recovery. */
  #serveAgain(): void {
    const { clients, keys } = this.#cast;
    const [client] = clients;
    let served = 0;
    const answered = (operation: Operation): void => {
      if (isOk(operation)) served += 1;
    };
    for (const key of keys) client!.final({ kind: "range", key }, answered);
    client!.final({ kind: "put", key: "end", value: "end" }, answered);
    this.#advance(RECOVERY_MS / 3);
    if (served !== keys.length + 1)
      throw new HistoryViolation(`the cluster does not serve again: ${served} answers`);
  }

  /** After the faults: once, or where space is short until the end, since what is served then needs some. */
  #compactLater(): void {
    this.#time.setTimer(randomInteger(this.#prng, 100, 2000), () => {
      this.#compact(this.#safety.revision);
      if (this.#setting.quota !== undefined && !this.#isOver) this.#compactLater();
    });
  }

  #compact(revision: number): void {
    const [gateway] = this.#cast.gateways;
    const bytes = etcdserverpb.CompactionRequest.encode({ revision }).finish();
    if (revision > 0) gateway.write({ kind: "compact", bytes }, () => undefined);
  }

  #agree(): void {
    const { members, disarmer } = this.#cast;
    this.#isOver = true;
    disarmer.stop();
    // A snapshot in the smallest of chunks, one at a time, takes longer than all else.
    const endMs = this.#time.now() + AGREEMENT_MS;
    do this.#advance(RECOVERY_MS / 3);
    while (!areLevel(members) && this.#time.now() < endMs);
    const { compactRevision, revision } = this.#safety;
    expectAgreement(members, [Math.max(compactRevision, 1) as Revision, revision]);
  }

  /** What the callers have seen must have been possible. */
  #judge(): SimulationReport {
    const { clients, listClients, holders, watchClients, writers } = this.#cast;
    const { revisionTimes, leadersSeenAt, compactRevision, events } = this.#safety;
    const operations = writers.flatMap((caller) => caller.operations);
    const log = changesOf(events);
    checkRevisions(operations, log);
    const searched = isSearched(clients.flatMap((client) => client.operations));
    const { elements } = checkListAppend(listClients.flatMap((client) => client.operations));
    const leases = holders.flatMap((holder) => holder.leases);
    const facts = checkLeases(leases, log, (revision) => revisionTimes[revision]!);
    const records = watchClients.flatMap((client) => client.records);
    checkWatches(records, log, compactRevision);
    const watchesResumed = watchClients.reduce((sum, { resumed }) => sum + resumed, 0);
    markHistory(this.#marks, { operations, log, watches: records, watchesResumed, leadersSeenAt });
    return { ...this.#report(operations, facts, records), searched, listElements: elements, watchesResumed };
  }

  #report(
    operations: readonly Operation[],
    leases: LeaseFacts,
    records: readonly WatchRecord[],
  ): Omit<SimulationReport, "searched" | "listElements" | "watchesResumed"> {
    const { members, operator } = this.#cast;
    const acknowledged = operations.filter(isOk);
    const writes = acknowledged.filter(({ request }) => mayChange(request)).length;
    for (const { events } of records) this.#safety.note(events.map(({ revision }) => revision).join());
    for (const { returnedAt, outcome } of operations)
      this.#safety.note(`${returnedAt} ${JSON.stringify(outcome)}`);
    const counted = (name: keyof (typeof members)[0]["counts"]): number =>
      members.reduce((sum, { counts }) => sum + counts[name], 0);
    return {
      seed: this.seed,
      members: members.length,
      acknowledgedWrites: writes,
      reads: acknowledged.length - writes,
      unknown: operations.filter(({ outcome }) => outcome.kind === "unknown").length,
      leaders: this.#safety.terms,
      faults: this.#nemesis.counts,
      diskDeaths: counted("diskDeaths"),
      boundaryDeaths: counted("boundaryDeaths"),
      snapshots: counted("snapshots"),
      damages: counted("damages"),
      losses: counted("losses"),
      repairs: counted("repairs"),
      changes: operator?.changes ?? 0,
      transfers: operator?.transfers ?? 0,
      ordersRefused: operator?.refused ?? 0,
      retired: members.filter(({ retired }) => retired).length,
      ...leases,
      refusedForSpace: operations.filter(
        ({ outcome }) => outcome.kind === "refused" && outcome.code === "no-space",
      ).length,
      spaceAlarms: this.#spaceAlarms.size,
      refusals: members.reduce((sum, { refusals }) => sum + refusals, 0),
      watchEvents: records.reduce((sum, { events }) => sum + events.length, 0),
      watchProgress: records.reduce((sum, { progress }) => sum + progress.length, 0),
      watchesCompacted: records.filter(({ compactRevision }) => compactRevision !== undefined).length,
      marks: this.#marks.reached,
      virtualMs: this.#time.now(),
      traceHash: this.#safety.traceHash,
    };
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
