import { Mailbox, type ActorRef } from "@quorate/actor";
import { hexId, seededPrng, type Clock, type Prng, type Scheduler } from "@quorate/base";
import {
  crcChainHash,
  Raft,
  type EntryId,
  type LogIndex,
  type MemberId,
  type RaftOptions,
} from "@quorate/raft";
import type { AppliedPosition, Membership, StoreCondition } from "@quorate/state-machine";
import type { LogStart } from "@quorate/storage";
import type { Logger, Tracer } from "@quorate/telemetry";
import type { Transport } from "@quorate/transport";
import type { NodeMember, NodeStatus, Subjects } from "@quorate/wire";
import type { ApplierMessage, ApplierReport } from "./actors/applier-actor";
import type { LogWriterMessage, LogWriterReport } from "./actors/log-writer-actor";
import { AutoCompactorActor } from "./actors/auto-compactor-actor";
import { LessorActor, type LessorMessage } from "./actors/lessor-actor";
import { QuotaActor, type QuotaOptions } from "./actors/quota-actor";
import { RaftActor, type Leadership, type RaftMessage } from "./actors/raft-actor";
import { compactionSchedule, type AutoCompaction } from "./auto-compaction";
import { ClusterVersionRaise } from "./cluster-version-raise";
import { FeedDoor } from "./feed-door";
import { Integrity, type IntegrityOptions } from "./integrity/integrity";
import { describeLeader, LeaderNotices } from "./leader-notices";
import { MaintenanceDoor } from "./maintenance-door";
import { NodeDoor } from "./node-door";
import { PeerLink } from "./peer-link";
import { Publication } from "./publication";
import { listMembers } from "./results";
import { Retirement } from "./retirement";
import { BackupDoor } from "./snapshot/backup-door";
import { SnapshotDoor } from "./snapshot/snapshot-door";
import { SnapshotFetcher } from "./snapshot/snapshot-fetcher";
import { Ticker } from "./ticker";

export interface RaftNodeOptions {
  readonly raft: RaftOptions;
  /** Length of one tick in milliseconds. */
  readonly tickMs: number;
  readonly applyBacklogMax: number;
  readonly readsMax: number;
  readonly quota: QuotaOptions;
  readonly integrity: IntegrityOptions;
  readonly publishBytesMax: number;
  /** `undefined`: only clients compact. */
  readonly autoCompaction: AutoCompaction | undefined;
  /** How fast a snapshot is fetched. */
  readonly snapshotBytesPerSecondMax: number;
  readonly snapshotWindowChunks: number;
  /** What this member says of itself. */
  readonly self: NodeMember;
  /** The members that this one was told of when it was made. */
  readonly members: readonly NodeMember[];
  /** Shown in its status until the next start. */
  readonly unsafeOptions: readonly string[];
  /** The product's version, shown in its status. */
  readonly version: string;
  /** The highest cluster version that this member can apply. */
  readonly clusterVersionMax: number;
  /** Random per start, 32 bits. */
  readonly bootNonce: number;
}

export interface RaftNodeDependencies {
  readonly transport: Transport;
  /** For what fan-outs get, and for snapshots, so that neither holds up Raft: another connection to the broker. */
  readonly feedTransport: Transport;
  readonly subjects: Subjects;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly prng: Prng;
  readonly logger: Logger;
  readonly tracer: Tracer;
  /** Both report to `RaftNode.reports`. */
  readonly logWriter: ActorRef<LogWriterMessage>;
  readonly applier: ActorRef<ApplierMessage>;
  readonly start: LogStart;
  /** What the log has lost and must hold again before this member serves or votes freely; see `start-up.ts`. */
  readonly repairUntil: EntryId | undefined;
  readonly position: AppliedPosition;
  readonly membership: Membership;
  readonly condition: StoreCondition;
  /** This member was removed, and nobody needs it any more: it must end. Called once at the most. */
  readonly removed: (why: string) => void;
  /** The cluster is at a version that this member cannot apply: it must end. */
  readonly outdated: (why: string) => void;
  /** Its state is not what the others have: it must fence itself. Called again until it does. */
  readonly damaged: (why: string) => void;
}

/** Far above what may wait by the limits of proposals, reads and windows: only a bug reaches it. */
const MAILBOX_CAPACITY = 1_000_000;
const TURN_MAX = 4096;
/** How often the leader looks for leases that have expired (etcd: 500 ms): what they may outlive their TTL by, at least. */
const LEASE_SCAN_MS = 500;
/** Fan-outs ask again every second at the latest. */
const FEED_INTEREST_MS = 4000;
const HISTORY_READS_MAX = 64;
const MAINTENANCE_REQUESTS_MAX = 256;
/** Windows of a few receivers. */
const SNAPSHOT_REQUESTS_MAX = 64;
const BACKUP_REQUESTS_MAX = 32;
const SNAPSHOT_ANSWER_MS = 2000;
const SNAPSHOT_GIVE_UP_MS = 15_000;
/** Publishers of event subjects ask again every second. */
const SEAT_HOLD_MS = 3000;

/** One member: the actors of a raft-node on whatever transport, disk and time it is given. */
export class RaftNode {
  readonly #raft: RaftActor;
  readonly #mailbox: Mailbox<RaftMessage>;
  readonly #peers: PeerLink;
  readonly #notices: LeaderNotices;
  readonly #retirement: Retirement;
  readonly #publication: Publication;
  readonly #versionRaise: ClusterVersionRaise;
  #clusterVersion: number;
  readonly #door: NodeDoor;
  readonly #feed: FeedDoor;
  readonly #maintenance: MaintenanceDoor;
  readonly #snapshotDoor: SnapshotDoor;
  readonly #backupDoor: BackupDoor;
  readonly #fetcher: SnapshotFetcher;
  readonly #integrity: Integrity;
  #serving = false;
  #isLeaving = false;
  #statusOpen = false;
  readonly #ticker: Ticker;
  /** For what is done on the side: leases and the quota. */
  readonly #slowTicker: Ticker;
  readonly #compactionTicker: Ticker | undefined;
  /** Feeds, chunks and the like go straight to those who wait for them: Raft has no use for them. */
  readonly #reports: ActorRef<LogWriterReport | ApplierReport> = {
    tell: (report) => {
      if (report.kind === "feed" || report.kind === "history-result") return this.#feed.report(report);
      if (report.kind === "maintenance-result") return this.#maintenance.report(report);
      if (report.kind === "snapshot-chunk") return this.#snapshotDoor.report(report);
      if (report.kind === "backup-chunk") return this.#backupDoor.report(report);
      if (isForFetcher(report)) return this.#fetcher.report(report);
      if (report.kind === "scrubbed") return this.#integrity.scrubbed(report);
      if (report.kind === "applied") this.#integrity.applied(report.position, report.effectHashes);
      if (report.kind === "snapshot-installed") this.#integrity.opened(report.position);
      // What is fed next is what these answers are for; the asker's traces end when they are handled.
      if (report.kind === "answers" && this.dependencies.tracer.enabled)
        this.#feed.nextTrace = this.#raft.traceOf(report.answers);
      this.#mailbox.tell(report);
    },
  };

  constructor(
    private readonly options: RaftNodeOptions,
    private readonly dependencies: RaftNodeDependencies,
  ) {
    const { transport, subjects, clock, scheduler, prng, logger, tracer } = dependencies;
    const { start, position, condition, repairUntil } = dependencies;
    const { clusterVersionMax } = options;
    const { memberId } = options.raft;
    const { identity, incarnation } = start;
    // The mailbox and its actor need each other: parts that only tell get a reference that looks it up.
    const self: ActorRef<RaftMessage> = { tell: (message) => this.#mailbox.tell(message) };
    this.#peers = new PeerLink(
      {
        clusterId: identity.clusterId,
        memberId,
        incarnation,
        bootNonce: options.bootNonce,
        publishBytesMax: options.publishBytesMax,
        clusterVersionMax,
      },
      {
        transport,
        subjects,
        raft: self,
        logger,
        toldRemoved: (by) => this.#retirement.told(by),
        outdated: (by, version) => this.#outdated(by, version),
        integrity: {
          digest: () => this.#integrity.digest,
          heard: (from, started, note) => this.#integrity.heard(from, started, note),
        },
      },
    );
    this.#integrity = new Integrity(
      { ...options.integrity, memberId, incarnation, alarmClearing: options.quota.alarmClearing },
      {
        ...dependencies,
        raft: self,
        peers: this.#peers,
        view: () => this.#raft.view(),
      },
    );
    this.#integrity.opened(position);
    this.#retirement = new Retirement(
      { memberId },
      {
        ask: (member) => this.#peers.askRemoved(member),
        retire: (why) => scheduler.post(() => dependencies.removed(why)),
      },
    );
    this.#notices = new LeaderNotices(
      { self: options.self, members: options.members, startedIn: start.hardState.term },
      { transport, subjects },
    );
    this.#publication = new Publication(
      { self: options.self, clusterVersionMax },
      { transport, subjects, leader: () => this.#raft.view().raft.leader },
    );
    this.#versionRaise = new ClusterVersionRaise(
      { memberId, clusterVersionMax },
      {
        raft: self,
        status: () => this.#raft.view().raft,
        heard: (member) => this.#peers.clusterVersionMaxOf(member),
        membership: dependencies.membership,
      },
    );
    const lessorActor = new LessorActor(
      {
        clusterId: identity.clusterId,
        memberId,
        electionTimeoutMs: options.tickMs * options.raft.electionTimeoutTicks,
      },
      { raft: self, applier: dependencies.applier, clock, tracer, position },
    );
    // Without a mailbox: it is told on this thread, and must hear of a leadership's end before anything else happens.
    const lessor: ActorRef<LessorMessage> = { tell: (message) => lessorActor.receive(message) };
    const quota = new QuotaActor({ ...options.quota, memberId }, { raft: self, condition });
    const { membership } = dependencies;
    this.#clusterVersion = membership.clusterVersion;
    const configuration = membership.founded ? membership.configuration : start.configuration;
    const founders = start.configuration.incoming.map((id) => {
      const { name = "", peerUrls = [] } = options.members.find((member) => member.id === id) ?? {};
      return { id, name, peerUrls, clientUrls: [] };
    });
    this.#raft = new RaftActor(
      {
        ...options,
        clusterId: identity.clusterId,
        founders,
        // As long as followers wait for a leader that is dead: one that cannot sync is no better.
        diskStallTicks: options.raft.electionTimeoutTicks,
      },
      {
        raft: new Raft(
          options.raft,
          { ...start, configuration, applied: position.index as LogIndex, repairUntil },
          { prng, chainHash: crcChainHash },
        ),
        peers: this.#peers,
        snapshots: {
          fetch: (effect) => this.#fetcher.fetch(effect),
          discard: (transfer) => this.#fetcher.discard(transfer),
        },
        stateReplaced: (at) => this.#stateReplaced(at),
        lossNoticed: (lost) => {
          const { logger } = this.dependencies;
          logger.error("the leader knows of entries that the log of this member has lost: repair mode", {
            lost,
          });
        },
        repaired: (last) => this.#repaired(last),
        logWriter: dependencies.logWriter,
        applier: dependencies.applier,
        lessor,
        quota,
        leadershipChanged: (leadership) => this.#leadershipChanged(leadership),
        diskStalled: (index) =>
          logger.warn("the disk has not synced for an election timeout", {
            index,
            leading: this.#raft.view().raft.role === "leader",
          }),
        membershipApplied: (applied) => this.#membershipApplied(applied),
        position,
        membership,
        condition,
      },
    );
    this.#retirement.configurationApplied(configuration, membership.removed.includes(memberId));
    if (membership.founded) this.#show(membership);
    this.#mailbox = new Mailbox(
      { name: `raft ${hexId(memberId)}`, capacity: MAILBOX_CAPACITY, turnMax: TURN_MAX },
      { actor: this.#raft, scheduler },
    );
    this.#door = new NodeDoor(
      { memberId, startedIn: start.hardState.term },
      {
        transport,
        subjects,
        raft: self,
        lessor,
        tracer,
        status: () => this.status(),
        clusterVersion: () => this.#clusterVersion,
      },
    );
    this.#feed = new FeedDoor(
      {
        clusterId: identity.clusterId,
        memberId,
        interestMs: FEED_INTEREST_MS,
        historyReadsMax: HISTORY_READS_MAX,
        seatHoldMs: SEAT_HOLD_MS,
      },
      {
        transport: dependencies.feedTransport,
        subjects,
        clock,
        tracer,
        applier: dependencies.applier,
        view: () => this.#raft.view(),
      },
    );
    this.#maintenance = new MaintenanceDoor(
      { memberId, requestsMax: MAINTENANCE_REQUESTS_MAX },
      { transport, subjects, applier: dependencies.applier, view: () => this.#raft.view() },
    );
    const snapshotIdentity = { clusterId: identity.clusterId, memberId };
    const forSnapshots = { transport: dependencies.feedTransport, subjects, applier: dependencies.applier };
    this.#snapshotDoor = new SnapshotDoor(
      { ...snapshotIdentity, requestsMax: SNAPSHOT_REQUESTS_MAX },
      forSnapshots,
    );
    this.#backupDoor = new BackupDoor({ memberId, requestsMax: BACKUP_REQUESTS_MAX }, forSnapshots);
    this.#fetcher = new SnapshotFetcher(
      {
        ...snapshotIdentity,
        windowChunks: options.snapshotWindowChunks,
        bytesPerSecondMax: options.snapshotBytesPerSecondMax,
        answerMs: SNAPSHOT_ANSWER_MS,
        giveUpMs: SNAPSHOT_GIVE_UP_MS,
      },
      { ...forSnapshots, clock, logger, raft: self },
    );
    this.#ticker = new Ticker(
      { intervalMs: options.tickMs },
      { clock, scheduler, tick: () => this.#mailbox.tell({ kind: "tick" }) },
    );
    this.#slowTicker = new Ticker(
      { intervalMs: LEASE_SCAN_MS },
      {
        clock,
        scheduler,
        tick: () => {
          lessor.tell({ kind: "tick" });
          this.#retirement.tick();
          this.#publication.tick();
          this.#versionRaise.tick();
          this.#integrity.tick();
          quota.receive({ kind: "tick" });
        },
      },
    );
    this.#compactionTicker = this.#autoCompactor(options.autoCompaction);
    transport.onStatus((status) => {
      logger.info("broker connection changed", { status });
      if (status === "connected") this.#notices.repeat();
    });
  }

  /** Where the log writer and the applier report to. */
  get reports(): ActorRef<LogWriterReport | ApplierReport> {
    return this.#reports;
  }

  start(): void {
    this.#peers.start();
    this.#notices.start();
    this.#snapshotDoor.open();
    this.#ticker.start();
    this.#slowTicker.start();
    this.#compactionTicker?.start();
    const { stateIsWhole, repairUntil } = this.#raft.view().raft;
    const { start, position, logger } = this.dependencies;
    if (repairUntil !== undefined) {
      logger.error(
        "repair mode: the log lost entries that were acknowledged; until a leader has sent them again this member serves " +
          "nothing, does not stand for election, and votes only for members that hold them",
        { lost: repairUntil, applied: position.index },
      );
    }
    if (stateIsWhole) {
      if (this.options.integrity.initialCorruptCheck) this.#maintenance.open();
      return this.#integrity.beforeServing(() => this.#serve());
    }
    logger.error(
      "the state is damaged: it ends before the log begins; nothing is served until a snapshot replaced it",
      {
        applied: position.index,
        logBegins: start.compacted.index + 1,
      },
    );
  }

  /**
   * Before an orderly stop: gives the leadership away, so that nobody has to wait for an election timeout. Resolves when that
   * is done, or given up, or after `withinMs`.
   */
  handOver(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.dependencies.clock.setTimer(withinMs, resolve);
      const settled = (): void => {
        timer.cancel();
        resolve();
      };
      this.#mailbox.tell({ kind: "hand-over", settled });
    });
  }

  /** Whether its doors are open, and it is not about to close them. */
  get isServing(): boolean {
    return this.#serving && !this.#isLeaving && this.#raft.view().raft.repairUntil === undefined;
  }

  /** Whether nobody else has this state, and this member's log does not lead to it from the beginning. */
  get isOnlyCopy(): boolean {
    const { configuration, compacted } = this.#raft.view().raft;
    return configuration.incoming.length <= 1 && compacted > 0;
  }

  /**
   * Before a stop because of damage: serves nothing any more, tells the others why, so that whoever leads raises the alarm, and
   * gives the leadership away if it can.
   */
  async leaveDamaged(why: string, withinMs: number): Promise<void> {
    this.#isLeaving = true;
    this.#door.close();
    this.#feed.close();
    this.#maintenance.close();
    this.#backupDoor.close();
    this.#snapshotDoor.close();
    this.#integrity.announce(why);
    await this.handOver(withinMs);
    this.#integrity.announce(why); // to whoever leads now
  }

  /** Intake first, then the loop: nothing is half done, and what was not answered stays unknown to its sender. */
  stop(): void {
    this.#door.close();
    this.#feed.close();
    this.#maintenance.close();
    this.#backupDoor.close();
    this.#notices.stop();
    this.#peers.stop();
    this.#snapshotDoor.close();
    this.#fetcher.close();
    this.#ticker[Symbol.dispose]();
    this.#slowTicker[Symbol.dispose]();
    this.#compactionTicker?.[Symbol.dispose]();
    this.#mailbox.close();
  }

  status(): NodeStatus {
    const { raft, position, databaseBytes, condition } = this.#raft.view();
    const { quotaBytes } = this.options.quota;
    const { identity, incarnation } = this.dependencies.start;
    return {
      clusterId: identity.clusterId,
      memberId: identity.memberId,
      term: raft.term,
      leader: raft.leader,
      lastIndex: raft.last.index,
      commitIndex: raft.commit,
      appliedIndex: position.index as LogIndex,
      revision: position.revision,
      compactRevision: position.compactRevision,
      dbSizeBytes: databaseBytes,
      effectHash: position.effectHash,
      members: this.#notices.members(),
      version: this.options.version,
      incarnation,
      storedBytes: condition.storedBytes,
      quotaBytes: Number.isFinite(quotaBytes) ? quotaBytes : 0,
      alarms: condition.alarms,
      unsafeOptions: this.options.unsafeOptions,
      clusterVersion: this.#clusterVersion,
      clusterVersionMax: this.options.clusterVersionMax,
      integrity: this.#integrity.status,
      repairing: raft.repairUntil !== undefined,
    };
  }

  /** What makes the auto-compactor look, if there is to be one. */
  #autoCompactor(wanted: AutoCompaction | undefined): Ticker | undefined {
    if (wanted === undefined) return undefined;
    const { clock, scheduler, logger } = this.dependencies;
    const schedule = compactionSchedule(wanted, clock.now());
    const actor = new AutoCompactorActor({
      schedule,
      raft: { tell: (message) => this.#mailbox.tell(message) },
      view: () => this.#raft.view(),
      clock,
      logger,
    });
    const tick = (): void => actor.receive({ kind: "tick" });
    tick(); // a first sample
    return new Ticker({ intervalMs: schedule.everyMs }, { clock, scheduler, tick });
  }

  /** Opens what may be open. */
  #serve(): void {
    if (this.#isLeaving) return;
    if (!this.#statusOpen) this.#door.openStatus();
    this.#statusOpen = true;
    if (this.#serving || this.#raft.view().raft.repairUntil !== undefined) return;
    this.#serving = true;
    this.#door.open();
    this.#feed.open();
    this.#backupDoor.open();
    this.#maintenance.open();
  }

  #stateReplaced({ index, revision }: AppliedPosition): void {
    this.dependencies.logger.info("a snapshot is the state now", { index, revision });
    this.#serve();
  }

  #repaired(last: EntryId): void {
    this.dependencies.logger.info("repaired: the log is as complete again as it was", { last });
    if (this.#raft.view().raft.stateIsWhole) this.#serve();
  }

  #membershipApplied(membership: Membership): void {
    const { memberId } = this.options.raft;
    const { incoming, outgoing, learners } = membership.configuration;
    const list = (ids: readonly MemberId[]): string => ids.map(hexId).join(" ");
    this.dependencies.logger.info("membership", {
      voters: list(incoming),
      outgoing: list(outgoing),
      learners: list(learners),
    });
    this.#show(membership);
    this.#retirement.configurationApplied(membership.configuration, membership.removed.includes(memberId));
  }

  #show(membership: Membership): void {
    this.#notices.membership(listMembers(membership));
    this.#peers.removed(membership.removed);
    this.#clusterVersionApplied(membership.clusterVersion);
    this.#versionRaise.applied(membership);
    this.#publication.applied(membership);
    this.#integrity.membershipApplied(membership.removed);
  }

  #clusterVersionApplied(version: number): void {
    this.#peers.clusterVersion(version);
    if (version !== this.#clusterVersion) this.dependencies.logger.info("cluster version", { version });
    this.#clusterVersion = version;
  }

  #outdated(by: MemberId, version: number): void {
    const { clusterVersionMax } = this.options;
    this.dependencies.outdated(
      `member ${hexId(by)} says that the cluster is at version ${version}, and this build applies entries up to version ` +
        `${clusterVersionMax}. Start the newer build that the other members run`,
    );
  }

  #leadershipChanged(leadership: Leadership): void {
    const { role, term, leader, established } = leadership;
    this.dependencies.logger.info("leadership", { role, term, leader: describeLeader(leader), established });
    this.#notices.changed(leadership);
  }
}

/** A generator for election timeouts that differs from member to member and from start to start. */
export function electionPrng(memberId: MemberId, bootNonce: number): Prng {
  return seededPrng(Number(BigInt.asUintN(21, memberId)) * 0x1_0000_0000 + bootNonce);
}

function isForFetcher(
  report: LogWriterReport | ApplierReport,
): report is Extract<ApplierReport, { kind: "snapshot-written" | "snapshot-staged" | "snapshot-rejected" }> {
  const { kind } = report;
  return kind === "snapshot-written" || kind === "snapshot-staged" || kind === "snapshot-rejected";
}
