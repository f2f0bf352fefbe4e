import type { VirtualTime } from "@quorate/actor";
import { randomInteger, type Prng } from "@quorate/base";
import { readEvents, type Event, type Revision } from "@quorate/mvcc";
import { RAFT_DEFAULTS, type Configuration, type MemberId } from "@quorate/raft";
import { STATE_COLUMNS, type AppliedPosition, type StateColumn } from "@quorate/state-machine";
import {
  MemoryAnchor,
  MemoryAnchorDisk,
  MemoryDisk,
  MemoryLogDisk,
  MemoryLogStorage,
  MemorySnapshotStorage,
  MemoryStatePlace,
} from "@quorate/storage";
import type { MemoryNetwork } from "@quorate/transport";
import type { Subjects } from "@quorate/wire";
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
import { AppliedState } from "../../services/raft-node/src/snapshot/applied-state";
import { SnapshotLane } from "../../services/raft-node/src/snapshot/snapshot-lane";
import { NO_TRACER, SILENT_LOGGER } from "@quorate/telemetry";
import { PausableProcess } from "./pausable-process";
import { SlowLane, type LaneSpeed } from "./slow-lane";

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
  readonly strictAnchor: boolean;
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
}

/** Synced writes of a log that a rotten disk may lose. */
const LOSSES_MAX = 20;

/** Those that make a log: it is not lost as a whole. */
const FOUNDING_SYNCS = 4;

/** What lives only while the process does. */
interface Running {
  readonly node: RaftNode;
  readonly state: AppliedState;
  readonly process: PausableProcess;
  readonly kill: () => void;
}

/** One raft-node with the disks of its host: the real actors on simulated time, network and storage. */
export class SimulatedMember {
  readonly #logDisk = new MemoryLogDisk({ syncedKept: LOSSES_MAX });
  readonly #anchorDisk = new MemoryAnchorDisk();
  readonly #statePlace = new MemoryStatePlace<StateColumn>(STATE_COLUMNS);
  #created = false;
  #isWhole = true;
  #snapshots = 0;
  #damages = 0;
  #repairs = 0;
  #losses = 0;
  #retired = false;
  /** Its log lost its end, and it was not started since. */
  #isCut = false;
  #isCalm = false;
  #running: Running | undefined;

  constructor(
    private readonly options: SimulatedMemberOptions,
    private readonly dependencies: SimulatedMemberDependencies,
  ) {}

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
    const { time, prng, network, subjects } = this.dependencies;
    const { memberId, clusterId, name, logSpeed, applySpeed } = this.options;
    const process = new PausableProcess(time);
    const log = this.#openLog();
    const { compacted } = log.start;
    const anchor = MemoryAnchor.open(this.#anchorDisk);
    const state = new AppliedState({ storage: new MemorySnapshotStorage(this.#statePlace, compacted.index) });
    const { position, membership, condition } = state.stateMachine;
    if (position.index < compacted.index) this.#damages += 1;
    const found = { start: log.start, anchor: anchorFindings(anchor, log), position, membership };
    const decision = decideStart(name, found);
    const { incarnation, hardState, promised } = decision;
    if (promised !== undefined) this.#repairs += 1;
    const start = { ...log.start, incarnation, hardState };
    const reports = {
      tell: (report: LogWriterReport | LogWriterBegun | ApplierReport): void => {
        if (report.kind !== "begun") node.reports.tell(report);
      },
    };
    let isFull = condition.alarms.length > 0;
    const applierReports = {
      tell: (report: ApplierReport): void => {
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
      actor: logWriterActor,
      clock: process,
      prng,
      isCalm: () => this.#isCalm,
    });
    const snapshots = new SnapshotLane(
      { chunkBytesMax: this.options.snapshotChunkBytes, windowChunks: 8 },
      { state, reports: applierReports, clock: process },
    );
    const applier = new SlowLane<ApplierMessage>(applySpeed, {
      actor: new ApplierActor(
        {
          clusterId,
          memberId,
          background: { stepWork: 10, stepPauseMs: 10 },
          syncEntries: Math.min(50, this.options.logKeepEntries),
          syncBytes: 100_000,
          sliceBytesMax: 200,
          sliceRowsMax: 3,
        },
        { state, snapshots, reports: applierReports, clock: process },
      ),
      clock: process,
      prng,
      isCalm: () => this.#isCalm,
    });
    const self = { id: memberId, name, peerUrls: [], clientUrls: [], learner: false };
    const bootNonce = prng.next();
    const node = new RaftNode(
      {
        raft: {
          ...RAFT_DEFAULTS,
          memberId,
          cacheBytesMax: this.options.cacheBytesMax,
          logKeepEntries: this.options.logKeepEntries,
          logKeepBytesMax: this.options.logKeepBytesMax,
        },
        tickMs: 100,
        applyBacklogMax: 5000,
        readsMax: 10_000,
        quota: this.options.quota,
        publishBytesMax: 512 * 1024,
        autoCompaction: this.options.autoCompaction,
        snapshotBytesPerSecondMax: 1_000_000,
        snapshotWindowChunks: 8,
        self,
        members: this.options.configuration.incoming.map((id) => ({ ...self, id })),
        version: "simulated",
        bootNonce,
      },
      {
        transport: process.over(network.connect(name)),
        feedTransport: process.over(network.connect(name)),
        subjects,
        clock: process,
        scheduler: process,
        prng,
        logger: SILENT_LOGGER,
        tracer: NO_TRACER,
        logWriter,
        applier,
        start,
        repairUntil: promised?.at,
        position,
        membership,
        condition,
        removed: () => this.#retire(),
      },
    );
    node.start();
    this.#isCut = false;
    this.#running = {
      node,
      state,
      process,
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

  /** Whether its log holds all that it ever did. */
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
    this.dependencies.network.crash(this.name);
    this.#running?.kill();
    this.#running = undefined;
    this.#logDisk.crash(this.#logDisk.unsyncedBatches); // the log syncs every batch: there is nothing to lose
    const { disk } = this.#statePlace;
    const unsynced = disk.unsyncedBatches;
    disk.crash(powerLoss ? randomInteger(this.dependencies.prng, 0, unsynced) : unsynced);
    if (!losesState) return;
    this.#statePlace.disk = new MemoryDisk(STATE_COLUMNS);
    this.#isWhole = false;
  }

  #retire(): void {
    this.#retired = true;
    if (this.running) this.crash(false);
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
    const { memberId, clusterId, name, configuration } = this.options;
    const options = { tailBytesMax: this.options.cacheBytesMax };
    if (this.#created) return MemoryLogStorage.open(this.#logDisk, { clusterId, memberId }, options);
    this.#created = true;
    const identity = { clusterId, clusterName: "sim", memberId, memberName: name, directoryId: name };
    return MemoryLogStorage.create(this.#logDisk, { identity, configuration }, options);
  }
}
