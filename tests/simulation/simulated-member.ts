import type { VirtualTime } from "@quorate/actor";
import type { Prng } from "@quorate/base";
import { readEvents, type Event, type Revision } from "@quorate/mvcc";
import type { MemberId } from "@quorate/raft";
import { UnsupportedVersionError, type AppliedPosition, type StateColumn } from "@quorate/state-machine";
import { StorageWriteError, type MemorySnapshotStorage } from "@quorate/storage";
import type { MemoryNetwork, Transport } from "@quorate/transport";
import { parseClusterName, Subjects } from "@quorate/wire";
import type { ApplierReport } from "../../services/raft-node/src/actors/applier-actor";
import type { RaftNode } from "../../services/raft-node/src/raft-node";
import { anchorAnew } from "../../services/raft-node/src/refounding/anchor-anew";
import { planRefounding, type Refounding } from "../../services/raft-node/src/refounding/refounding";
import { AppliedState } from "../../services/raft-node/src/snapshot/applied-state";
import { anchorFindings, decideStart } from "../../services/raft-node/src/start-up";
import { BuildChoice } from "./build-choice";
import { Marks } from "./marks";
import { peersOnly } from "./peers-only";
import { ProcessClock } from "./process-clock";
import { ProcessEnd } from "./process-end";
import type { Disk } from "./schedule";
import { SimulatedDisks } from "./simulated-disks";
import type { SimulatedMemberOptions } from "./simulated-member-options";
import { SimulatedProcess, type SimulatedStart } from "./simulated-process";
import { Trap } from "./trap";

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

/** What has happened to a member since it was first started. */
export class MemberCounts {
  /** Snapshots that were put in place of its state, and starts with a state that ended before the log began. */
  snapshots = 0;
  damages = 0;
  /** Times that the end of its log was lost, and starts at which it noticed. */
  losses = 0;
  repairs = 0;
  /** How often it ended because a disk had failed, exit code 70. */
  diskDeaths = 0;
  /** How often it ended between two of its effects, in a trap. */
  boundaryDeaths = 0;
}

/** One raft-node with its host: the real actors on simulated time, network and storage. */
export class SimulatedMember {
  readonly counts = new MemberCounts();
  /** The host's. */
  readonly clock: ProcessClock;
  readonly disks: SimulatedDisks;
  readonly trap = new Trap();
  readonly #build: BuildChoice;
  readonly #hung = new Set<Disk>();
  /** Where it belongs: another cluster since `refound`. */
  #clusterId: bigint;
  #subjects: Subjects;
  #running: SimulatedProcess | undefined;
  #isWhole = true;
  #retired = false;
  /** While it does not run: its log has lost its end, and did not get it back. */
  #isCut = false;
  #isCalm = false;
  /** Whether NOSPACE is active in its state. */
  #isAlarmed = false;

  constructor(
    private readonly options: SimulatedMemberOptions,
    private readonly dependencies: SimulatedMemberDependencies,
  ) {
    const { time, prng, subjects } = dependencies;
    this.clock = new ProcessClock(time);
    this.disks = new SimulatedDisks(options, { prng, cross: (boundary) => this.trap.cross(boundary) });
    this.#build = new BuildChoice(options, { prng });
    this.#clusterId = options.clusterId;
    this.#subjects = subjects;
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

  /** Of the process that runs. */
  get state(): AppliedState | undefined {
    return this.#running?.state;
  }

  /** Whether it has ever been. */
  get started(): boolean {
    return this.disks.created;
  }

  /** Whether it has ended for good, because it was removed. */
  get retired(): boolean {
    return this.#retired;
  }

  /** Whether it has applied something since it last lost its state. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** Whether its log lacks something that it once held. */
  get isRepairing(): boolean {
    return this.#isCut || this.node?.status().repairing === true;
  }

  /** How many there are as far as it knows; none is wrong about that which does not run, or belongs to no cluster yet. */
  get voters(): number {
    const voters = this.node?.status().members.filter(({ learner }) => !learner) ?? [];
    return voters.length === 0 ? Infinity : voters.length;
  }

  /** How often the build before has found that it is too old, and ended. */
  get refusals(): number {
    return this.#build.refusals;
  }

  start(): void {
    if (this.#retired) return; // its operator has deleted it
    try {
      this.#boot();
    } catch (error) {
      if (!this.#isEnd(error)) throw error;
    }
  }

  /** The end of the process; with `powerLoss` also of whatever state was not synced, with `losesState` of all of it. */
  crash(powerLoss: boolean, losesState = false): void {
    this.#isCut = this.isRepairing;
    this.dependencies.network.crash(this.name);
    this.#running?.kill();
    this.#running = undefined;
    this.trap.disarm();
    this.disks.crash(powerLoss);
    if (!losesState) return;
    this.disks.loseState();
    this.#isWhole = false;
  }

  /** While it is down: its disk loses up to `syncs` of the newest synced writes of the log. */
  loseLog(syncs: number): void {
    this.counts.losses += 1;
    this.#isCut = true;
    this.disks.rotLog(syncs);
  }

  /** Starts it anew, with either build. */
  roll(): void {
    if (!this.running) return;
    this.crash(false);
    this.start();
  }

  /** Starts it anew with this build, if it runs the one before. */
  upgrade(): void {
    this.#build.upgrade();
    if (!this.#build.isThisBuild) this.roll();
  }

  /** Freezes the process: nothing reaches it and no timer runs, while everyone else's time goes on. */
  pause(): void {
    this.#running?.pause();
  }

  /** Lets it go on, if it is frozen. */
  resume(): void {
    this.#running?.resume();
  }

  /** Writes to `disk` do not end any more, until `unhang`. */
  hang(disk: Disk): void {
    this.#hung.add(disk);
    this.#running?.lane(disk).hold();
  }

  unhang(disk: Disk): void {
    this.#hung.delete(disk);
    this.#running?.lane(disk).release();
  }

  /** From now on its disks do not stall any more: a leader answers only what it has on its own disk. */
  calm(): void {
    this.#isCalm = true;
  }

  /** Puts rows into its state that applying has not put there. */
  plant(column: StateColumn, key: Uint8Array, value: Uint8Array | undefined): void {
    const batch = this.state!.store.batch();
    if (value === undefined) batch.del(column, key);
    else batch.put(column, key, value);
    batch.write({ sync: true });
  }

  /** While it does not run: `--force-new-cluster`. Nothing is done if that is refused. */
  refound(clusterId: bigint, clusterName: string): Refounding {
    const { memberId, name } = this.options;
    const log = this.disks.openLog(this.#clusterId);
    const { position } = new AppliedState({
      storage: this.disks.openState(log.start.compacted.index),
    }).stateMachine;
    const member = { id: memberId, name, peerUrls: [], clientUrls: [] };
    const plan = planRefounding({ start: log.start, position }, { clusterId, clusterName, member });
    if (plan.kind === "due") {
      log.refound(plan.identity, plan.write);
      const anchor = this.disks.openAnchor();
      anchorAnew(anchor, log, plan.identity, plan.write.hardState ?? log.start.hardState);
      anchor[Symbol.dispose]();
      this.#clusterId = clusterId;
      this.#subjects = new Subjects(parseClusterName(clusterName));
    }
    this.disks.settle(); // the process that did it ends
    return plan;
  }

  #boot(): void {
    this.disks.refuseIfFull();
    const start = this.#open();
    if (start.state.stateMachine.position.index < start.log.start.compacted.index) this.counts.damages += 1;
    if (start.decision.promised !== undefined) this.counts.repairs += 1;
    this.#isAlarmed = start.state.stateMachine.condition.alarms.length > 0;
    const process = new SimulatedProcess(
      {
        ...this.options,
        clusterId: this.#clusterId,
        clusterVersionMax: this.#build.clusterVersionMax,
      },
      start,
      {
        prng: this.dependencies.prng,
        clock: this.clock,
        subjects: this.#subjects,
        connect: () => this.#connect(),
        marks: this.dependencies.marks ?? new Marks(),
        trap: this.trap,
        isEnd: (error) => this.#isEnd(error),
        isCalm: () => this.#isCalm,
        reported: (report) => this.#reported(start.state, report),
        removed: () => this.#retire(),
        outdated: () => this.#outdated(),
        damaged: (why) => this.dependencies.damaged(this, why),
      },
    );
    process.start();
    this.#isCut = false;
    for (const disk of this.#hung) process.lane(disk).hold();
    this.#running = process;
  }

  #open(): SimulatedStart {
    const log = this.disks.openLog(this.#clusterId);
    const anchor = this.disks.openAnchor();
    const state = this.#openState(this.disks.openState(log.start.compacted.index));
    const { position, membership } = state.stateMachine;
    const found = { start: log.start, anchor: anchorFindings(anchor, log), position, membership };
    return { log, anchor, state, decision: decideStart(this.name, found) };
  }

  #openState(storage: MemorySnapshotStorage<StateColumn>): AppliedState {
    this.#build.draw();
    try {
      return new AppliedState({ storage }, { clusterVersionMax: this.#build.clusterVersionMax });
    } catch (error) {
      if (!(error instanceof UnsupportedVersionError)) throw error;
      this.#build.refused();
      return this.#openState(storage);
    }
  }

  #connect(): Transport {
    const transport = this.dependencies.network.connect(this.name);
    return this.options.raftOnly === true ? peersOnly(transport) : transport;
  }

  #reported({ store }: AppliedState, report: ApplierReport): void {
    if (report.kind === "snapshot-installed") this.counts.snapshots += 1;
    if (report.kind !== "applied" && report.kind !== "snapshot-installed") return;
    const { position, condition } = report;
    this.dependencies.applied(this, position, (from) => readEvents(store, from));
    this.#isWhole = true;
    const wasAlarmed = this.#isAlarmed;
    this.#isAlarmed = condition.alarms.length > 0;
    if (this.#isAlarmed && !wasAlarmed) this.dependencies.spaceAlarm(position.index);
  }

  /** Its process has ended by itself. */
  #outdated(): void {
    if (!this.running) return;
    this.#build.refused();
    this.crash(false);
    this.dependencies.time.setTimer(OPERATOR_MS, () => {
      if (!this.running) this.start();
    });
  }

  #retire(): void {
    this.#retired = true;
    if (this.running) this.crash(false);
  }

  /** Ends the process for good if `error` says so. */
  #isEnd(error: unknown): boolean {
    if (error instanceof StorageWriteError) {
      this.counts.diskDeaths += 1;
      this.crash(true);
    } else if (error instanceof ProcessEnd) {
      this.counts.boundaryDeaths += 1;
      this.crash(error.powerLoss);
    } else return false;
    return true;
  }
}
