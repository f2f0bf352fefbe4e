import type { Actor } from "@quorate/actor";
import type { Prng } from "@quorate/base";
import { RAFT_DEFAULTS } from "@quorate/raft";
import type { LogStorage, SlottedAnchor } from "@quorate/storage";
import { NO_TRACER } from "@quorate/telemetry";
import type { Transport } from "@quorate/transport";
import type { Subjects } from "@quorate/wire";
import {
  ApplierActor,
  type ApplierMessage,
  type ApplierReport,
} from "../../services/raft-node/src/actors/applier-actor";
import {
  LogWriterActor,
  type LogWriterBegun,
  type LogWriterMessage,
  type LogWriterReport,
} from "../../services/raft-node/src/actors/log-writer-actor";
import { AnchorKeeper } from "../../services/raft-node/src/anchor/anchor-keeper";
import { RaftNode } from "../../services/raft-node/src/raft-node";
import type { AppliedState } from "../../services/raft-node/src/snapshot/applied-state";
import { SnapshotLane } from "../../services/raft-node/src/snapshot/snapshot-lane";
import type { decideStart } from "../../services/raft-node/src/start-up";
import { FailStop } from "./fail-stop";
import type { Marks } from "./marks";
import { MemberObserver } from "./member-observer";
import { PausableProcess } from "./pausable-process";
import type { ProcessClock } from "./process-clock";
import type { SimulatedMemberOptions } from "./simulated-member-options";
import { SlowLane, type LaneSpeed } from "./slow-lane";
import { LARGE_LIMITS } from "./small-limits";
import type { Trap } from "./trap";

export interface SimulatedProcessOptions extends SimulatedMemberOptions {
  /** Of the build that runs. */
  readonly clusterVersionMax: number;
}

/** What it has opened, and decided to begin with. */
export interface SimulatedStart {
  readonly log: LogStorage;
  readonly anchor: SlottedAnchor;
  readonly state: AppliedState;
  readonly decision: ReturnType<typeof decideStart>;
}

export interface SimulatedProcessDependencies {
  readonly prng: Prng;
  /** Of the host. */
  readonly clock: ProcessClock;
  readonly subjects: Subjects;
  readonly connect: () => Transport;
  readonly marks: Marks;
  readonly trap: Trap;
  /** Whether `error` is how the process ends; then it has ended. */
  readonly isEnd: (error: unknown) => boolean;
  /** Whether disks do not stall any more. */
  readonly isCalm: () => boolean;
  /** Hears every report of the applier before Raft does. */
  readonly reported: (report: ApplierReport) => void;
  readonly removed: () => void;
  readonly outdated: () => void;
  readonly damaged: (why: string) => void;
}

/** The actors of one start of a raft-node, as its process has them, with threads that are simulated. */
export class SimulatedProcess {
  readonly node: RaftNode;
  readonly state: AppliedState;
  readonly #process: PausableProcess;
  readonly #lanes: { readonly log: SlowLane<LogWriterMessage>; readonly state: SlowLane<ApplierMessage> };

  constructor(
    private readonly options: SimulatedProcessOptions,
    start: SimulatedStart,
    private readonly dependencies: SimulatedProcessDependencies,
  ) {
    const { clock, prng, trap, marks } = dependencies;
    this.state = start.state;
    this.#process = new PausableProcess(clock, {
      sending: () => trap.cross("send"),
      isEnd: dependencies.isEnd,
    });
    const observer = new MemberObserver({ marks, clock });
    const reports = {
      tell: (report: LogWriterReport | LogWriterBegun | ApplierReport): void => {
        if (report.kind === "persisted") trap.cross("log-synced");
        if (report.kind === "applied") trap.cross("applied");
        if (report.kind !== "begun") this.node.reports.tell(report);
      },
    };
    const applierReports = {
      tell: (report: ApplierReport): void => {
        observer.reported(report);
        dependencies.reported(report);
        reports.tell(report);
      },
    };
    this.#lanes = { log: this.#logLane(start, reports), state: this.#stateLane(applierReports) };
    const bootNonce = prng.next();
    this.node = this.#nodeOf(start, observer, bootNonce);
  }

  start(): void {
    this.node.start();
  }

  kill(): void {
    this.#process.kill();
    this.#lanes.log.kill();
    this.#lanes.state.kill();
    this.node.stop();
  }

  pause(): void {
    this.#process.pause();
  }

  /** Lets it go on, if it is frozen. */
  resume(): void {
    if (this.#process.paused) this.#process.resume();
  }

  /** The thread that writes to this disk. */
  lane(disk: "log" | "state"): { hold(): void; release(): void } {
    return this.#lanes[disk];
  }

  #logLane(
    { log, anchor, decision }: SimulatedStart,
    reports: { tell(report: LogWriterReport | LogWriterBegun): void },
  ): SlowLane<LogWriterMessage> {
    const keeper = new AnchorKeeper(
      { lagMsMax: 100, lagEntriesMax: 10, strict: this.options.strictAnchor },
      { anchor, storage: log, clock: this.#process },
    );
    const actor = new LogWriterActor(
      { compactionEntriesMax: 3, compactionPauseMs: 5 },
      { storage: log, anchor: keeper, reports, clock: this.#process },
    );
    actor.receive({ kind: "begin", ...decision });
    return this.#slowLane(this.options.logSpeed, this.dependencies.trap.crossing("log-write", actor));
  }

  #stateLane(reports: { tell(report: ApplierReport): void }): SlowLane<ApplierMessage> {
    const {
      clusterId,
      memberId,
      snapshotChunkBytes,
      logKeepEntries,
      applySpeed,
      limits = LARGE_LIMITS,
    } = this.options;
    const { state } = this;
    const failStop = new FailStop(() => this.dependencies.outdated());
    const clock = failStop.clock(this.#process);
    const snapshots = new SnapshotLane(
      { chunkBytesMax: snapshotChunkBytes, windowChunks: limits.snapshotWindowChunks },
      { state, reports, clock },
    );
    const actor = new ApplierActor(
      {
        clusterId,
        memberId,
        background: { stepWork: 10, stepPauseMs: 10 },
        syncEntries: Math.min(50, logKeepEntries),
        syncBytes: 100_000,
        sliceBytesMax: 200,
        sliceRowsMax: 3,
      },
      { state, snapshots, reports, clock },
    );
    return this.#slowLane(applySpeed, this.dependencies.trap.crossing("apply", failStop.actor(actor)));
  }

  #slowLane<M>(speed: LaneSpeed, actor: Actor<M>): SlowLane<M> {
    const { prng, isCalm, isEnd } = this.dependencies;
    return new SlowLane<M>(speed, {
      actor,
      clock: this.#process,
      prng,
      isCalm,
      failed: (error) => void isEnd(error),
    });
  }

  #nodeOf({ log, state, decision }: SimulatedStart, observer: MemberObserver, bootNonce: number): RaftNode {
    const { options } = this;
    const { memberId, name, configuration, limits = LARGE_LIMITS } = options;
    const { prng, subjects, connect, removed, outdated, damaged } = this.dependencies;
    const { incarnation, hardState, promised } = decision;
    const self = { id: memberId, name, peerUrls: [], clientUrls: [], learner: false };
    return new RaftNode(
      {
        raft: {
          ...RAFT_DEFAULTS,
          ...limits.raft,
          memberId,
          cacheBytesMax: options.cacheBytesMax,
          logKeepEntries: options.logKeepEntries,
          logKeepBytesMax: options.logKeepBytesMax,
        },
        tickMs: 100,
        applyBacklogMax: limits.applyBacklogMax,
        readsMax: 10_000,
        quota: options.quota,
        integrity: {
          corruptCheckMs: options.corruptCheckMs ?? undefined,
          initialCorruptCheck: options.initialCorruptCheck ?? false,
        },
        publishBytesMax: limits.raft.appendBytesMax,
        autoCompaction: options.autoCompaction,
        snapshotBytesPerSecondMax: 1_000_000,
        snapshotWindowChunks: limits.snapshotWindowChunks,
        self,
        members: configuration.incoming.map((id) => ({ ...self, id })),
        version: "simulated",
        unsafeOptions: [],
        clusterVersionMax: options.clusterVersionMax,
        bootNonce,
      },
      {
        transport: this.#process.over(connect()),
        feedTransport: this.#process.over(connect()),
        subjects,
        clock: this.#process,
        scheduler: this.#process,
        prng,
        logger: observer.logger,
        tracer: NO_TRACER,
        logWriter: observer.logWriter(this.#lanes.log),
        applier: observer.applier(this.#lanes.state),
        start: { ...log.start, incarnation, hardState },
        repairUntil: promised?.at,
        position: state.stateMachine.position,
        membership: state.stateMachine.membership,
        condition: state.stateMachine.condition,
        removed,
        outdated,
        damaged,
      },
    );
  }
}
