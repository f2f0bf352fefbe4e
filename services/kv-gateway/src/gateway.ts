import type { Clock, Prng, Scheduler } from "@quorate/base";
import type { LeaseId } from "@quorate/lease";
import type { Tracer } from "@quorate/telemetry";
import type { Transport } from "@quorate/transport";
import type { AnswerAs, Subjects } from "@quorate/wire";
import { LeaderOrders } from "./actors/leader-orders";
import { LeaderTarget } from "./actors/leader-target";
import { LeaderTracker } from "./actors/leader-tracker";
import type { MemberId } from "./actors/leader-view";
import { MemberDirectory } from "./actors/member-directory";
import { NodeQueries } from "./actors/node-queries";
import { Proposer } from "./actors/proposer";
import { ReadTargets, type ReadPreference } from "./actors/read-targets";
import { NewestRevision } from "./actors/newest-revision";
import { LEASE_QUERY, LINEARIZABLE_READ, Reader, SERIALIZABLE_READ } from "./actors/reader";
import { TimeoutCause } from "./actors/timeout-cause";
import { SnapshotApi } from "./backup/snapshot-api";
import { AlarmApi } from "./api/alarm-api";
import { AnswerBudget } from "./api/answer-budget";
import { ApiCalls } from "./api/api-calls";
import { ClusterApi } from "./api/cluster-api";
import { KvApi } from "./api/kv-api";
import { KeepAliveStreams } from "./api/keep-alive-streams";
import { LeaseApi } from "./api/lease-api";
import { MaintenanceApi } from "./api/maintenance-api";
import { MembershipApi } from "./api/membership-api";
import { Deletions } from "./recipes/deletions";
import { ElectionApi } from "./recipes/election-api";
import { LockApi } from "./recipes/lock-api";
import { RecipeCalls } from "./recipes/recipe-calls";
import { RecipeStore } from "./recipes/recipe-store";
import { WatchApi } from "./watch/watch-api";

export interface GatewayOptions {
  /** Random 64 bits, different at each start. */
  readonly gateway: bigint;
  readonly homeMember: MemberId | undefined;
  readonly advertiseClientUrls: readonly string[];
  readonly requestTimeoutMs: number;
  /** Learners that there may be at once. */
  readonly learnersMax: number;
  /** The nodes' minimum election timeout. */
  readonly electionTimeoutMs: number;
  readonly readPreference: Exclude<ReadPreference, "home">;
  readonly writeBatchesInFlight: number;
  readonly readBatchesInFlight: number;
  /** Calls that may wait for each of: the leader, linearizable reads, serializable reads. */
  readonly queueCallsMax: number;
  /** Bytes of requests that may wait; likewise. */
  readonly queueBytesMax: number;
  /** Bytes of answers in parts that are put together, or on their way, at once. */
  readonly largeAnswerBytesMax: number;
  /** How often watchers that asked for it are told of progress, in milliseconds. */
  readonly watchProgressNotifyMs: number;
  /** Bytes of events that may be under way to one watch stream. */
  readonly watchStreamWindowBytes: number;
  /** Watchers of one watch stream. */
  readonly watchStreamWatchersMax: number;
  /** Where snapshots are put together. */
  readonly spoolDirectory: string;
}

export interface GatewayDependencies {
  readonly transport: Transport;
  /** For what watchers get: another connection to the broker. */
  readonly watchTransport: Transport;
  readonly subjects: Subjects;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  /** Seeded by chance: ids are drawn from it. */
  readonly prng: Prng;
  readonly tracer: Tracer;
  /** Random positive 63-bit lease ids. */
  readonly drawLeaseId: () => LeaseId;
  /** 64 random bits, never all of them 0: ids of new members, and of orders. */
  readonly drawId: () => bigint;
}

/** etcd's default for `--max-request-bytes`. */
const REQUEST_BYTES_MAX = 1.5 * 1024 * 1024;
/** etcd's default for `--max-txn-ops`. */
const TXN_OPS_MAX = 128;
/** etcd splits watch responses above its largest request and 512 KiB. */
const WATCH_FRAGMENT_BYTES = REQUEST_BYTES_MAX + 512 * 1024;
const BATCH_CALLS_MAX = 1024;
/** A batch waits for the slowest lease in it, so several may be under way. */
const LEASE_BATCHES_IN_FLIGHT = 16;
const BATCH_BYTES_MAX = 1024 * 1024;
/** Orders about the membership; they are rare. */
const ORDERS = { ordersMax: 64, attemptMs: 2000, pauseMs: 100 };
/** Calls of locks and elections, most of which wait for others to let go; more are told "too many requests". */
const RECIPE_CALLS_MAX = 10_000;
/** How long one node is given for a question outside of the batches. */
const NODE_ANSWER_MS = 1000;
/** etcd sets no limit of its own to a hash or to the physical part of a compaction. */
const MAINTENANCE_LONGEST_MS = 10 * 60_000;
/** Each takes disk space, and some 40 MiB of memory. */
const SNAPSHOTS_MAX = 2;
const COMPACTION_ANSWER_MS = 2000;

/** The API and the actors behind it, without any door and without a process around it. */
export class Gateway {
  readonly kv: KvApi;
  readonly lease: LeaseApi;
  readonly keepAliveStreams: KeepAliveStreams;
  readonly cluster: ClusterApi;
  readonly maintenance: MaintenanceApi;
  readonly membership: MembershipApi;
  readonly snapshots: SnapshotApi;
  readonly alarms: AlarmApi;
  readonly watch: WatchApi;
  readonly lock: LockApi;
  readonly election: ElectionApi;
  /** What runs of `lock` and `election`. */
  readonly recipeCalls: RecipeCalls;
  readonly tracker: LeaderTracker;
  readonly directory: MemberDirectory;
  readonly queries: NodeQueries;
  /** Only to be looked at from outside. */
  readonly proposer: Pick<Proposer, "counters" | "pending">;
  readonly readers: Readonly<Record<"linearizable" | "serializable", Pick<Reader, "counters">>>;
  readonly #timeoutCause: TimeoutCause;
  readonly #proposer: Proposer;
  readonly #orders: LeaderOrders;
  readonly #readers: readonly Pick<Reader, "idle" | "close">[];

  constructor(options: GatewayOptions, dependencies: GatewayDependencies) {
    const { clock } = dependencies;
    const { electionTimeoutMs, homeMember, requestTimeoutMs } = options;
    const tracker = new LeaderTracker({ askIntervalMs: 500 }, dependencies);
    const timeoutCause = new TimeoutCause({ electionTimeoutMs }, { ...dependencies, tracker });
    const queries = new NodeQueries(dependencies);
    const directory = new MemberDirectory(
      { homeMember, refreshMs: 5000, answerMs: NODE_ANSWER_MS },
      { queries, tracker, clock },
    );
    const queue = {
      callsMax: options.queueCallsMax,
      bytesMax: options.queueBytesMax,
      batchCallsMax: BATCH_CALLS_MAX,
      batchBytesMax: BATCH_BYTES_MAX,
    };
    // Clients compare what they hear on one endpoint, whoever answered; see ClusterApi for whom that stands for.
    const answerAs = (): AnswerAs => homeMember ?? tracker.leader?.member;
    const newest = new NewestRevision();
    const proposer = new Proposer(
      {
        gateway: options.gateway,
        batchesInFlightMax: options.writeBatchesInFlight,
        queue,
        deposedGraceMs: electionTimeoutMs,
        backOff: { firstMs: 20, maxMs: 500 },
      },
      { ...dependencies, tracker, timeoutCause, answerAs, newest },
    );
    const reader = (serializable: boolean): Reader =>
      new Reader(
        {
          question: serializable ? SERIALIZABLE_READ : LINEARIZABLE_READ,
          batchesInFlightMax: options.readBatchesInFlight,
          queue,
          attemptMs: 500,
          attemptMsMax: 4000,
          backOff: { firstMs: 10, maxMs: 500 },
        },
        {
          ...dependencies,
          answerAs,
          newest,
          targets: new ReadTargets(
            {
              preference: serializable && homeMember !== undefined ? "home" : options.readPreference,
              homeMember,
              learners: serializable,
              avoidMs: 1000,
            },
            { directory, tracker, clock },
          ),
        },
      );
    const [linearizableReader, serializableReader] = [reader(false), reader(true)];
    const leaseReader = new Reader(
      {
        question: LEASE_QUERY,
        batchesInFlightMax: LEASE_BATCHES_IN_FLIGHT,
        queue,
        // What waits for a lease to end needs a commit; a leader confirms nothing that is older than this anyway.
        attemptMs: electionTimeoutMs,
        attemptMsMax: 4 * electionTimeoutMs,
        backOff: { firstMs: 10, maxMs: 500 },
      },
      { ...dependencies, answerAs, newest, targets: new LeaderTarget(tracker) },
    );
    const calls = new ApiCalls(
      { requestTimeoutMs, requestBytesMax: REQUEST_BYTES_MAX },
      { clock, tracker, tracer: dependencies.tracer },
    );
    this.maintenance = new MaintenanceApi(
      { homeMember, longestMs: MAINTENANCE_LONGEST_MS, compactionAnswerMs: COMPACTION_ANSWER_MS },
      { queries, directory, tracker, clock },
    );
    this.snapshots = new SnapshotApi(
      { homeMember, directory: options.spoolDirectory, snapshotsMax: SNAPSHOTS_MAX },
      {
        ...dependencies,
        transport: dependencies.watchTransport,
        queries,
        directory,
        tracker,
        drawTransfer: () => Number(dependencies.drawId() & BigInt(Number.MAX_SAFE_INTEGER)),
      },
    );
    this.kv = new KvApi(
      { txnOpsMax: TXN_OPS_MAX },
      {
        calls,
        proposer,
        linearizableReader,
        serializableReader,
        answers: new AnswerBudget({ bytesMax: options.largeAnswerBytesMax }),
        maintenance: this.maintenance,
        clock,
      },
    );
    this.lease = new LeaseApi(
      { electionTimeoutMs },
      { calls, proposer, leaseReader, serializableReader, drawLeaseId: dependencies.drawLeaseId },
    );
    this.alarms = new AlarmApi({ calls, proposer, linearizableReader });
    this.cluster = new ClusterApi(
      {
        homeMember,
        advertiseClientUrls: options.advertiseClientUrls,
        requestTimeoutMs,
        answerMs: NODE_ANSWER_MS,
      },
      { queries, directory, tracker, clock },
    );
    this.#orders = new LeaderOrders(ORDERS, { ...dependencies, tracker, timeoutCause });
    this.membership = new MembershipApi(options, {
      calls,
      orders: this.#orders,
      clock,
      drawId: dependencies.drawId,
    });
    this.keepAliveStreams = new KeepAliveStreams({ electionTimeoutMs }, { api: this.lease, tracker, clock });
    this.watch = new WatchApi(
      {
        gateway: options.gateway,
        progressNotifyMs: options.watchProgressNotifyMs,
        electionTimeoutMs,
        fragmentBytes: WATCH_FRAGMENT_BYTES,
        streamWindowBytes: options.watchStreamWindowBytes,
        streamWatchersMax: options.watchStreamWatchersMax,
      },
      { ...dependencies, transport: dependencies.watchTransport, tracker, queries, answerAs, newest },
    );
    const store = new RecipeStore({ kv: this.kv, lease: this.lease, clock });
    this.recipeCalls = new RecipeCalls({ callsMax: RECIPE_CALLS_MAX }, { calls, store, clock });
    const recipes = {
      calls: this.recipeCalls,
      store,
      deletions: new Deletions({ watch: this.watch }),
      afterwards: this.recipeCalls.afterwards,
    };
    this.lock = new LockApi(recipes);
    this.election = new ElectionApi({ ...recipes, watch: this.watch, clock });
    this.tracker = tracker;
    this.#timeoutCause = timeoutCause;
    this.directory = directory;
    this.queries = queries;
    this.proposer = this.#proposer = proposer;
    this.readers = { linearizable: linearizableReader, serializable: serializableReader };
    this.#readers = [linearizableReader, serializableReader, leaseReader];
  }

  /** True if no call waits for anything. */
  get idle(): boolean {
    return (
      this.recipeCalls.idle &&
      this.#orders.idle &&
      this.#proposer.idle &&
      this.#readers.every((reader) => reader.idle)
    );
  }

  /** Answers everything that still waits as stopped, and ends. Idempotent. */
  close(): void {
    this.recipeCalls.close();
    this.watch.close();
    this.snapshots.close();
    this.#orders.close();
    this.#proposer.close();
    for (const reader of this.#readers) reader.close();
    this.directory.close();
    this.#timeoutCause.close();
    this.tracker.close();
  }
}
