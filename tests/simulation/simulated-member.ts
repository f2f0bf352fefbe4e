import type { Actor, VirtualTime } from "@quorate/actor";
import { randomChance, randomInteger, type Prng } from "@quorate/base";
import { readEvents, type Event, type Revision } from "@quorate/mvcc";
import { RAFT_DEFAULTS, type Configuration, type MemberId } from "@quorate/raft";
import {
  CLUSTER_VERSION_MAX,
  STATE_COLUMNS,
  UnsupportedVersionError,
  type AppliedPosition,
  type StateColumn,
} from "@quorate/state-machine";
import {
  MemoryAnchor,
  MemoryDisk,
  MemoryLogDisk,
  MemoryLogStorage,
  MemorySnapshotStorage,
  MemoryStatePlace,
  StorageWriteError,
} from "@quorate/storage";
import type { MemoryNetwork, Transport } from "@quorate/transport";
import { parseClusterName, Subjects } from "@quorate/wire";
import {
  ApplierActor,
  type ApplierMessage,
  type ApplierReport,
} from "../../services/raft-node/src/actors/applier-actor";
import {
  LogWriterActor,
  type LogWriterMessage,
  type LogWriterBegun,
  type LogWriterReport,
} from "../../services/raft-node/src/actors/log-writer-actor";
import { AnchorKeeper } from "../../services/raft-node/src/anchor/anchor-keeper";
import { anchorFindings, decideStart } from "../../services/raft-node/src/start-up";
import type { QuotaOptions } from "../../services/raft-node/src/actors/quota-actor";
import type { AutoCompaction } from "../../services/raft-node/src/auto-compaction";
import { RaftNode } from "../../services/raft-node/src/raft-node";
import { anchorAnew } from "../../services/raft-node/src/refounding/anchor-anew";
import { planRefounding, type Refounding } from "../../services/raft-node/src/refounding/refounding";
import { AppliedState } from "../../services/raft-node/src/snapshot/applied-state";
import { SnapshotLane } from "../../services/raft-node/src/snapshot/snapshot-lane";
import { NO_TRACER } from "@quorate/telemetry";
import { FailStop } from "./fail-stop";
import { Marks } from "./marks";
import { MemberObserver } from "./member-observer";
import { PausableProcess } from "./pausable-process";
import { peersOnly } from "./peers-only";
import { ProcessClock } from "./process-clock";
import { ProcessEnd } from "./process-end";
import type { Boundary, Disk } from "./schedule";
import { SlowLane, type LaneSpeed } from "./slow-lane";
import { LARGE_LIMITS, type SmallLimits } from "./small-limits";
import { TrappedAnchorDisk } from "./trapped-anchor-disk";

export interface SimulatedMemberOptions {
  readonly name: string;
  readonly memberId: MemberId;
  readonly clusterId: bigint;
  /** What its log was made with; nobody, if it joins later. */
  readonly configuration: Configuration;
  readonly logSpeed: LaneSpeed;
  readonly applySpeed: LaneSpeed;
  /** Small, so that members often lag beyond what is kept in memory. */
  readonly cacheBytesMax: number;
  readonly autoCompaction: AutoCompaction | undefined;
  /** Small, so that members that were away need snapshots. */
  readonly logKeepEntries: number;
  readonly logKeepBytesMax: number;
  readonly snapshotChunkBytes: number;
  readonly quota: QuotaOptions;
  /** Each start is one of this build or one of the build before, until that one is found to be too old. */
  readonly mixesBuilds: boolean;
  /** How often the leader compares the members' key-values; `undefined`: never. */
  readonly corruptCheckMs?: number;
  /** Whether it compares its state with the others' before it serves. */
  readonly initialCorruptCheck?: boolean;
  readonly strictAnchor: boolean;
  /** By default as in production. */
  readonly limits?: SmallLimits;
  /** It neither serves clients nor says that it leads: only other members hear of it. */
  readonly raftOnly?: boolean;
}

export interface SimulatedMemberDependencies {
  readonly time: VirtualTime;
  readonly prng: Prng;
  readonly network: MemoryNetwork;
  readonly subjects: Subjects;
  /** Called whenever applied state has moved; `events` are those after the revision `from`. */
  readonly applied: (
    member: SimulatedMember,
    position: AppliedPosition,
    events: (from: Revision) => Iterable<Event>,
  ) => void;
  /** Called when NOSPACE has become active, with the index of the last entry applied. */
  readonly spaceAlarm: (index: number) => void;
  /** Called when the others have found that its state is wrong. */
  readonly damaged: (member: SimulatedMember, why: string) => void;
  /** Where rare states that it comes to are noted. */
  readonly marks?: Marks;
}

/** How long it takes until somebody has installed this build in place of the one that was too old. */
const OPERATOR_MS = 300;
/** Now and then all members have to run this build at once, or the version is never raised while there are faults. */
const THIS_BUILD_CHANCE = 0.7;
/** Synced writes of a log that a rotten disk may lose. */
const LOSSES_MAX = 20;

/** Those that make a log: it is not lost as a whole. */
const FOUNDING_SYNCS = 4;

/** What lives only while the process does. */
interface Running {
  readonly node: RaftNode;
  readonly state: AppliedState;
  readonly process: PausableProcess;
  readonly lanes: { readonly log: SlowLane<LogWriterMessage>; readonly state: SlowLane<ApplierMessage> };
  readonly kill: () => void;
}

/** One raft-node with the disks of its host: the real actors on simulated time, network and storage. */
export class SimulatedMember {
  readonly #logDisk = new MemoryLogDisk({ syncedKept: LOSSES_MAX });
  readonly #anchorDisk = new TrappedAnchorDisk((boundary) => this.#cross(boundary));
  /** Of its host: it outlives the process. */
  readonly #clock: ProcessClock;
  #trap: { readonly boundary: Boundary; skip: number; readonly powerLoss: boolean } | undefined;
  #isFull = false;
  #diskDeaths = 0;
  #boundaryDeaths = 0;
  readonly #hung = new Set<Disk>();
  readonly #statePlace = new MemoryStatePlace<StateColumn>(STATE_COLUMNS);
  #created = false;
  #isWhole = true;
  #snapshots = 0;
  #damages = 0;
  #repairs = 0;
  #losses = 0;
  #retired = false;
  /** While it does not run: its log has lost its end, and did not get it back. */
  #isCut = false;
  #isCalm = false;
  #running: Running | undefined;
  /** Where it belongs: another cluster since `refound`. */
  #clusterId: bigint;
  #subjects: Subjects;
  #clusterVersionMax = CLUSTER_VERSION_MAX;
  /** Whether its operator has learned that only this build will do. */
  #needsThisBuild = false;
  #refusals = 0;

  constructor(
    private readonly options: SimulatedMemberOptions,
    private readonly dependencies: SimulatedMemberDependencies,
  ) {
    this.#clock = new ProcessClock(dependencies.time);
    this.#clusterId = options.clusterId;
    this.#subjects = dependencies.subjects;
  }

  get name(): string {
    return this.options.name;
  }

  get id(): MemberId {
    return this.options.memberId;
  }

  get running(): boolean {
    return this.#running !== undefined;
  }

  get node(): RaftNode | undefined {
    return this.#running?.node;
  }

  /** Whether it has ever been. */
  get started(): boolean {
    return this.#created;
  }

  /** Whether it has ended for good, because it was removed. */
  get retired(): boolean {
    return this.#retired;
  }

  start(): void {
    if (this.#retired) return; // its operator has deleted it
    try {
      this.#boot();
    } catch (error) {
      if (!this.#isEnd(error)) throw error;
    }
  }

  #boot(): void {
    if (this.#isFull) this.#fill();
    const { prng } = this.dependencies;
    const { memberId, name, logSpeed, applySpeed, limits = LARGE_LIMITS } = this.options;
    const clusterId = this.#clusterId;
    const subjects = this.#subjects;
    const process = new PausableProcess(this.#clock, {
      sending: () => this.#cross("send"),
      isEnd: (error) => this.#isEnd(error),
    });
    const log = this.#openLog();
    const { compacted } = log.start;
    const anchor = MemoryAnchor.open(this.#anchorDisk);
    const state = this.#openState(new MemorySnapshotStorage(this.#statePlace, compacted.index));
    const failStop = new FailStop(() => this.#outdated());
    const { position, membership, condition } = state.stateMachine;
    if (position.index < compacted.index) this.#damages += 1;
    const found = { start: log.start, anchor: anchorFindings(anchor, log), position, membership };
    const decision = decideStart(name, found);
    const { incarnation, hardState, promised } = decision;
    if (promised !== undefined) this.#repairs += 1;
    const start = { ...log.start, incarnation, hardState };
    const reports = {
      tell: (report: LogWriterReport | LogWriterBegun | ApplierReport): void => {
        if (report.kind === "persisted") this.#cross("log-synced");
        if (report.kind === "applied") this.#cross("applied");
        if (report.kind !== "begun") node.reports.tell(report);
      },
    };
    const observer = new MemberObserver({
      marks: this.dependencies.marks ?? new Marks(),
      clock: this.#clock,
    });
    let isFull = condition.alarms.length > 0;
    const applierReports = {
      tell: (report: ApplierReport): void => {
        observer.reported(report);
        if (report.kind === "applied" || report.kind === "snapshot-installed") {
          this.dependencies.applied(this, report.position, (from) => readEvents(state.store, from));
          this.#isWhole = true;
          const wasFull = isFull;
          isFull = report.condition.alarms.length > 0;
          if (isFull && !wasFull) this.dependencies.spaceAlarm(report.position.index);
        }
        if (report.kind === "snapshot-installed") this.#snapshots += 1;
        reports.tell(report);
      },
    };
    const keeper = new AnchorKeeper(
      { lagMsMax: 100, lagEntriesMax: 10, strict: this.options.strictAnchor },
      { anchor, storage: log, clock: process },
    );
    const logWriterActor = new LogWriterActor(
      { compactionEntriesMax: 3, compactionPauseMs: 5 },
      { storage: log, anchor: keeper, reports, clock: process },
    );
    logWriterActor.receive({ kind: "begin", ...decision });
    const logWriter = new SlowLane<LogWriterMessage>(logSpeed, {
      actor: this.#crossing("log-write", logWriterActor),
      clock: process,
      prng,
      isCalm: () => this.#isCalm,
      failed: (error) => void this.#isEnd(error),
    });
    const snapshots = new SnapshotLane(
      { chunkBytesMax: this.options.snapshotChunkBytes, windowChunks: limits.snapshotWindowChunks },
      { state, reports: applierReports, clock: failStop.clock(process) },
    );
    const applier = new SlowLane<ApplierMessage>(applySpeed, {
      actor: this.#crossing(
        "apply",
        failStop.actor(
          new ApplierActor(
            {
              clusterId,
              memberId,
              background: { stepWork: 10, stepPauseMs: 10 },
              syncEntries: Math.min(50, this.options.logKeepEntries),
              syncBytes: 100_000,
              sliceBytesMax: 200,
              sliceRowsMax: 3,
            },
            { state, snapshots, reports: applierReports, clock: failStop.clock(process) },
          ),
        ),
      ),
      clock: process,
      prng,
      isCalm: () => this.#isCalm,
      failed: (error) => void this.#isEnd(error),
    });
    const self = { id: memberId, name, peerUrls: [], clientUrls: [], learner: false };
    const bootNonce = prng.next();
    const node = new RaftNode(
      {
        raft: {
          ...RAFT_DEFAULTS,
          ...limits.raft,
          memberId,
          cacheBytesMax: this.options.cacheBytesMax,
          logKeepEntries: this.options.logKeepEntries,
          logKeepBytesMax: this.options.logKeepBytesMax,
        },
        tickMs: 100,
        applyBacklogMax: limits.applyBacklogMax,
        readsMax: 10_000,
        quota: this.options.quota,
        integrity: {
          corruptCheckMs: this.options.corruptCheckMs ?? undefined,
          initialCorruptCheck: this.options.initialCorruptCheck ?? false,
        },
        publishBytesMax: limits.raft.appendBytesMax,
        autoCompaction: this.options.autoCompaction,
        snapshotBytesPerSecondMax: 1_000_000,
        snapshotWindowChunks: limits.snapshotWindowChunks,
        self,
        members: this.options.configuration.incoming.map((id) => ({ ...self, id })),
        version: "simulated",
        unsafeOptions: [],
        clusterVersionMax: this.#clusterVersionMax,
        bootNonce,
      },
      {
        transport: process.over(this.#connect()),
        feedTransport: process.over(this.#connect()),
        subjects,
        clock: process,
        scheduler: process,
        prng,
        logger: observer.logger,
        tracer: NO_TRACER,
        logWriter: observer.logWriter(logWriter),
        applier: observer.applier(applier),
        start,
        repairUntil: promised?.at,
        position,
        membership,
        condition,
        removed: () => this.#retire(),
        outdated: () => this.#outdated(),
        damaged: (why) => this.dependencies.damaged(this, why),
      },
    );
    node.start();
    this.#isCut = false;
    if (this.#hung.has("log")) logWriter.hold();
    if (this.#hung.has("state")) applier.hold();
    this.#running = {
      node,
      state,
      process,
      lanes: { log: logWriter, state: applier },
      kill: () => {
        process.kill();
        logWriter.kill();
        applier.kill();
        node.stop();
      },
    };
  }

  /** Whether it has applied something since it last lost its state. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** Snapshots that were put in place of its state, and starts with a state that ended before the log began. */
  get snapshots(): number {
    return this.#snapshots;
  }

  get damages(): number {
    return this.#damages;
  }

  /** Times that the end of its log was lost, and starts at which it noticed. */
  get losses(): number {
    return this.#losses;
  }

  get repairs(): number {
    return this.#repairs;
  }

  /** How many there are as far as it knows; none is wrong about that which does not run, or belongs to no cluster yet. */
  get voters(): number {
    const voters = this.node?.status().members.filter(({ learner }) => !learner) ?? [];
    return voters.length === 0 ? Infinity : voters.length;
  }

  /** Whether its log lacks something that it once held. */
  get isRepairing(): boolean {
    return this.#isCut || this.#running?.node.status().repairing === true;
  }

  /** While it is down: its disk loses up to `syncs` of the newest synced writes of the log. */
  loseLog(syncs: number): void {
    this.#losses += 1;
    this.#isCut = true;
    this.#logDisk.rot(Math.max(0, Math.min(syncs, this.#logDisk.syncedKept - FOUNDING_SYNCS)));
  }

  /** The end of the process; with `powerLoss` also of whatever state was not synced, with `losesState` of all of it. */
  crash(powerLoss: boolean, losesState = false): void {
    this.#isCut = this.isRepairing;
    this.dependencies.network.crash(this.name);
    this.#running?.kill();
    this.#running = undefined;
    this.#trap = undefined;
    // The log syncs every batch: only one whose sync has failed may be on the disk or not.
    const unsyncedLog = this.#logDisk.unsyncedBatches;
    this.#logDisk.crash(unsyncedLog === 0 ? 0 : randomInteger(this.dependencies.prng, 0, unsyncedLog));
    const { disk } = this.#statePlace;
    const unsynced = disk.unsyncedBatches;
    disk.crash(powerLoss ? randomInteger(this.dependencies.prng, 0, unsynced) : unsynced);
    if (!losesState) return;
    this.#statePlace.disk = new MemoryDisk(STATE_COLUMNS);
    this.#isWhole = false;
  }

  /** While it does not run: `--force-new-cluster`. Nothing is done if that is refused. */
  refound(clusterId: bigint, clusterName: string): Refounding {
    const { memberId, name } = this.options;
    const log = this.#openLog();
    const { position } = new AppliedState({
      storage: new MemorySnapshotStorage(this.#statePlace, log.start.compacted.index),
    }).stateMachine;
    const member = { id: memberId, name, peerUrls: [], clientUrls: [] };
    const plan = planRefounding({ start: log.start, position }, { clusterId, clusterName, member });
    if (plan.kind === "due") {
      log.refound(plan.identity, plan.write);
      const anchor = MemoryAnchor.open(this.#anchorDisk);
      anchorAnew(anchor, log, plan.identity, plan.write.hardState ?? log.start.hardState);
      anchor[Symbol.dispose]();
      this.#clusterId = clusterId;
      this.#subjects = new Subjects(parseClusterName(clusterName));
    }
    this.#logDisk.crash(this.#logDisk.unsyncedBatches); // the process that did it ends
    this.#statePlace.disk.crash(this.#statePlace.disk.unsyncedBatches);
    return plan;
  }

  /** Starts it anew with this build, if it runs the one before. */
  upgrade(): void {
    this.#needsThisBuild = true;
    if (this.#clusterVersionMax < CLUSTER_VERSION_MAX) this.roll();
  }

  /** Starts it anew, with either build. */
  roll(): void {
    if (!this.running) return;
    this.crash(false);
    this.start();
  }

  /** How often the build before has found that it is too old, and ended. */
  get refusals(): number {
    return this.#refusals;
  }

  /** Its process has ended by itself. */
  #outdated(): void {
    if (!this.running) return;
    this.#refusals += 1;
    this.#needsThisBuild = true;
    this.crash(false);
    this.dependencies.time.setTimer(OPERATOR_MS, () => {
      if (!this.running) this.start();
    });
  }

  #openState(storage: MemorySnapshotStorage<StateColumn>): AppliedState {
    const { mixesBuilds } = this.options;
    const isThisBuild =
      !mixesBuilds || this.#needsThisBuild || randomChance(this.dependencies.prng, THIS_BUILD_CHANCE);
    this.#clusterVersionMax = isThisBuild ? CLUSTER_VERSION_MAX : CLUSTER_VERSION_MAX - 1;
    try {
      return new AppliedState({ storage }, { clusterVersionMax: this.#clusterVersionMax });
    } catch (error) {
      if (!(error instanceof UnsupportedVersionError)) throw error;
      this.#refusals += 1;
      this.#needsThisBuild = true;
      return this.#openState(storage);
    }
  }

  #retire(): void {
    this.#retired = true;
    if (this.running) this.crash(false);
  }

  /** Puts rows into its state that applying has not put there. */
  plant(column: StateColumn, key: Uint8Array, value: Uint8Array | undefined): void {
    const batch = this.#running!.state.store.batch();
    if (value === undefined) batch.del(column, key);
    else batch.put(column, key, value);
    batch.write({ sync: true });
  }

  /** The disk of its log, or its state, takes nothing any more: the next write ends the process. */
  failWrites(disk: Disk, firstReaches: boolean): void {
    (disk === "log" ? this.#logDisk : this.#statePlace.disk).failWrites(firstReaches);
  }

  /** Both disks take nothing any more, whoever starts it anew, until `free`. */
  fill(): void {
    this.#isFull = true;
    this.#fill();
  }

  free(): void {
    this.#isFull = false;
    this.mendDisks();
  }

  /** Disks that no write has found to fail yet do not fail any more. */
  mendDisks(): void {
    this.#logDisk.mend();
    this.#statePlace.disk.mend();
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  /** How often it ended because a disk had failed, exit code 70. */
  get diskDeaths(): number {
    return this.#diskDeaths;
  }

  /** How often it ended between two of its effects, in a trap. */
  get boundaryDeaths(): number {
    return this.#boundaryDeaths;
  }

  /** Writes to `disk` do not end any more, until `unhang`. */
  hang(disk: Disk): void {
    this.#hung.add(disk);
    this.#running?.lanes[disk].hold();
  }

  unhang(disk: Disk): void {
    this.#hung.delete(disk);
    this.#running?.lanes[disk].release();
  }

  /** While it is down: one copy of its anchor is gone. @returns false: there is no other. */
  loseAnchorSlot(slot: number): boolean {
    return this.#anchorDisk.loseSlot(slot);
  }

  /** Its process ends when it passes there once more after `skip` times, if it lives that long. */
  trap(boundary: Boundary, skip: number, powerLoss: boolean): void {
    this.#trap = { boundary, skip, powerLoss };
  }

  /** Takes the trap away, if it was not reached. */
  disarm(): void {
    this.#trap = undefined;
  }

  /** The host's clock. */
  get clock(): ProcessClock {
    return this.#clock;
  }

  #connect(): Transport {
    const transport = this.dependencies.network.connect(this.name);
    return this.options.raftOnly === true ? peersOnly(transport) : transport;
  }

  #fill(): void {
    this.failWrites("log", false);
    this.failWrites("state", false);
  }

  #crossing<M>(boundary: Boundary, actor: Actor<M>): Actor<M> {
    return {
      receive: (message) => actor.receive(message),
      turnEnded: () => {
        this.#cross(boundary);
        actor.turnEnded?.();
      },
    };
  }

  #cross(boundary: Boundary): void {
    const trap = this.#trap;
    if (trap?.boundary !== boundary || trap.skip-- > 0) return;
    throw new ProcessEnd(trap.powerLoss);
  }

  /** Ends the process for good if `error` says so. */
  #isEnd(error: unknown): boolean {
    if (error instanceof StorageWriteError) {
      this.#diskDeaths += 1;
      this.crash(true);
    } else if (error instanceof ProcessEnd) {
      this.#boundaryDeaths += 1;
      this.crash(error.powerLoss);
    } else return false;
    return true;
  }

  /** From now on its disks do not stall any more: a leader answers only what it has on its own disk. */
  calm(): void {
    this.#isCalm = true;
  }

  /** Freezes the process: nothing reaches it and no timer runs, while everyone else's time goes on. */
  pause(): void {
    this.#running?.process.pause();
  }

  /** Lets it go on, if it is frozen. */
  resume(): void {
    if (this.#running?.process.paused === true) this.#running.process.resume();
  }

  /** The leases it knows. */
  get leases(): number {
    return this.#running?.state.stateMachine.leases().length ?? 0;
  }

  /** Of its key-values up to `revision`. */
  hashKv(revision: Revision): number {
    const begun = this.#running!.state.stateMachine.hashKv(revision);
    if (!begun.ok) throw new Error(`${this.name} has no hash of ${revision}: ${begun.error.code}`);
    using run = begun.run;
    return run.step(Number.MAX_SAFE_INTEGER)!;
  }

  /** What its rows of data come to, counted one by one. */
  get countedBytes(): number {
    let bytes = 0;
    for (const column of STATE_COLUMNS) {
      if (column === "meta") continue;
      using rows = this.#running!.state.store.scan(column, new Uint8Array(0), undefined);
      for (let row = rows.next(); row !== undefined; row = rows.next())
        bytes += row.key.length + row.value.length;
    }
    return bytes;
  }

  #openLog() {
    const { memberId, name, configuration } = this.options;
    const clusterId = this.#clusterId;
    const options = { tailBytesMax: this.options.cacheBytesMax };
    if (this.#created) return MemoryLogStorage.open(this.#logDisk, { clusterId, memberId }, options);
    this.#created = true;
    const identity = { clusterId, clusterName: "sim", memberId, memberName: name, directoryId: name };
    return MemoryLogStorage.create(this.#logDisk, { identity, configuration }, options);
  }
}
