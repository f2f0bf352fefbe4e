import { randomInt } from "node:crypto";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { systemClock, systemScheduler } from "@quorate/actor";
import { RAFT_DEFAULTS, type LogIndex } from "@quorate/raft";
import {
  CLUSTER_VERSION_MAX,
  type AppliedPosition,
  type Membership,
  type StoreCondition,
} from "@quorate/state-machine";
import type { Logger, Tracer } from "@quorate/telemetry";
import type { ProcessExchange, Transport } from "@quorate/transport";
import type { BrokerDeniedError } from "@quorate/transport-nats";
import { explainFence, fenceOf } from "@quorate/fence";
import { Subjects, type NodeMember, type NodeStatus } from "@quorate/wire";
import type { ApplierMessage, ApplierReport } from "./actors/applier-actor";
import type { LogWriterMessage, LogWriterReport } from "./actors/log-writer-actor";
import { BACKGROUND_WORK_DEFAULTS } from "./background-work";
import { Ballast, makeRoomAtStart } from "./ballast";
import { connectToBroker, type BrokerManners } from "./connect-to-broker";
import { foundation, isNewMember } from "./data-directory";
import { announceDamage } from "./integrity/announce-damage";
import { DamagedStateError, isDamage, type FoundDamage } from "./integrity/damage";
import { FencedError } from "./integrity/fenced-error";
import { claimMember } from "./member-claim";
import type { NodeOptions } from "./options";
import { nodeReadiness, type Readiness } from "./readiness";
import { forceNewCluster } from "./refounding/force-new-cluster";
import { electionPrng, RaftNode } from "./raft-node";
import { decideStart } from "./start-up";
import { packApplierMessage, unpackApplierReport, type PostedApplierReport } from "./threads/applier-port";
import type { ApplierThreadData } from "./threads/applier-thread";
import {
  packLogWriterMessage,
  unpackLogWriterReport,
  type LogFindings,
  type PostedLogWriterReport,
} from "./threads/log-writer-port";
import type { LogWriterThreadData } from "./threads/log-writer-thread";
import { ThreadRef } from "./threads/thread-ref";
import { PRODUCT_VERSION } from "./version";

export interface RunningNode {
  readonly incarnation: number;
  readonly readiness: Readiness;
  status(): NodeStatus;
  stop(): Promise<void>;
  /** Whether what this member holds is nowhere else, its own log included. */
  isOnlyCopy(): boolean;
  /** Tells the others why this process ends, and gives the leadership away. Closes nothing: what is open may be damaged. */
  leaveDamaged(why: string): Promise<void>;
}

export interface NodeEnvironment {
  readonly logger: Logger;
  readonly tracer: Tracer;
  /** Where this process' services meet, if there are others. */
  readonly exchange?: ProcessExchange | undefined;
  /** Something died that the node cannot live without: the process must end. */
  readonly failed: (what: "log writer" | "applier", error: Error) => void;
  /** This member's data are damaged, and the process must end. May be called again before it has. */
  readonly damaged: (damage: FoundDamage) => void;
  /** The cluster has removed this member: the process must end. */
  readonly removed: (why: string) => void;
  /** The cluster is newer than this build: the process must end. */
  readonly outdated: (why: string) => void;
  /** The broker does not allow what the node cannot do without: the process must end. May be called again before it has. */
  readonly denied: (error: BrokerDeniedError) => void;
}

const CLAIM_ANSWER_MS = 1000;
const TICKS_PER_ELECTION = 10;
/** A member this close has applied the rest by the time that anybody acts on its being ready. */
const READY = { lagEntriesMax: 1000, answerMs: 1000 };
/** Chunks under way at once; with the size of one, the memory that a transfer takes at either end. */
const SNAPSHOT_WINDOW_CHUNKS = 8;
/** With what is around its rows a chunk stays below 512 KiB, above which the transport would cut it in two. */
const SNAPSHOT_CHUNK_BYTES = 448 * 1024;
/** Applied state is synced at least this often: each sync holds up the apply lane for as long as the disk takes. */
const SYNC_ENTRIES_MAX = 1000;
const SYNC_BYTES_MAX = 16 * 1024 * 1024;
/** How long an orderly stop may wait for somebody to take over, in election timeouts: by then Raft has given it up. */
const HAND_OVER_TIMEOUTS = 1;
/** How far the anchor may lag: what a damaged log could lose unnoticed, were there not the state as well. */
const ANCHOR_LAG = { lagMsMax: 100, lagEntriesMax: 1000 };
/**
 * What a turn of the applier reads for ranges: some milliseconds. With the largest value behind it, it is also below what
 * clients of gRPC take in one message unless told otherwise (4 MiB), for a RangeStream makes a chunk of it.
 */
const SLICE = { sliceBytesMax: 2 * 1024 * 1024, sliceRowsMax: 10_000 };

/**
 * Builds a member from its parts, in the order in which a failure costs least: directory, log, state, broker, claim.
 *
 * @throws {FencedError} its data were found to be damaged, and nobody has acted on it.
 * @throws {StorageIdentityError} the directory belongs to another member, or is empty or full where it must not be.
 * @throws {DamagedStateError} the state cannot be opened; the others have been told.
 * @throws {StorageCorruptionError} what is in it must not be trusted, or nobody else has what it lost.
 * @throws {ThreadStartError} a database could not be opened.
 * @throws {BrokerAccessError} how to log in to a broker was given wrongly.
 * @throws {BrokerUnreachableError} no broker answered within `brokerWaitMs`.
 * @throws {BrokerDeniedError} a broker forbids what the node needs.
 * @throws {MemberClaimedError} another process is this member.
 */
export async function startNode(options: NodeOptions, environment: NodeEnvironment): Promise<RunningNode> {
  const { logger, tracer, failed, removed, outdated } = environment;
  refuseFenced(options);
  makeRoomAtStart(options, { logger });
  await using stack = new AsyncDisposableStack();
  // The threads report to a node that is built from what they find: until then there is nothing to report.
  const later: { node?: RaftNode } = {};
  const report = (message: LogWriterReport | ApplierReport): void => later.node?.reports.tell(message);

  if (options.forceNewCluster) await forceNewCluster(options, selfOf(options), { logger });
  const create = isNewMember(options) ? foundation(options) : undefined;
  const begun = Promise.withResolvers<void>();
  const logWriter = startLogWriter(options, create, begun.resolve, report, (error) => {
    begun.reject(error);
    failed("log writer", error);
  });
  stack.defer(() => logWriter.close());
  const found = await logWriter.started();
  tellDamage(found, logger);

  // State that is missing or behind is made good from the log, or from a snapshot if the log does not go back that far.
  const applier = startApplier(options, found.start.compacted.index, report, (error) =>
    failed("applier", error),
  );
  stack.defer(() => applier.close());
  const bootNonce = randomInt(2 ** 32);
  const { position, membership, condition } = await applier.started().catch(async (error: unknown) => {
    const { message } = error as Error;
    if (!isDamage(error)) throw error;
    await announceDamage(options, found.start, message, { logger, bootNonce });
    const isAlone = found.start.configuration.incoming.length <= 1;
    throw new DamagedStateError(message, isAlone && found.start.compacted.index > 0);
  });
  const decision = decideStart(options.dataDir, { ...found, position, membership });
  const { incarnation, hardState, promised } = decision;
  const start = { ...found.start, incarnation, hardState };

  const handOver = async (): Promise<void> =>
    later.node?.handOver(HAND_OVER_TIMEOUTS * options.electionTimeoutMs);
  // Whoever follows leaves a lame broker at once. A leader waits until they have settled, so that its heir can be heard.
  const leaveInOrder = async (): Promise<void> => {
    if (later.node?.status().leader !== options.memberId) return;
    await delay(options.electionTimeoutMs / 2);
    await handOver();
  };
  const transport = stack.use(await connect(options, environment, { purpose: "", beforeMove: leaveInOrder }));
  const feedTransport = stack.use(await connect(options, environment, { purpose: " feed" }));
  const subjects = new Subjects(options.cluster);
  const holder = `process ${process.pid} on ${hostname()}`;
  const claim = await claimMember(
    { memberId: options.memberId, answerWithinMs: CLAIM_ANSWER_MS, holder },
    { transport, subjects },
  );
  stack.defer(() => claim.unsubscribe());
  // Nobody may hear of this start before its number is on disk.
  logWriter.tell({ kind: "begin", ...decision });
  await begun.promise;

  const node = new RaftNode(
    {
      raft: {
        ...RAFT_DEFAULTS,
        memberId: options.memberId,
        electionTimeoutTicks: TICKS_PER_ELECTION,
        logKeepEntries: options.logKeepEntries,
        logKeepBytesMax: options.logKeepBytes,
      },
      tickMs: options.electionTimeoutMs / TICKS_PER_ELECTION,
      applyBacklogMax: options.applyBacklogMax,
      readsMax: options.readsMax,
      quota: { quotaBytes: options.quotaBytes, alarmClearing: options.alarmClear },
      integrity: {
        corruptCheckMs: options.corruptCheckMs,
        initialCorruptCheck: options.initialCorruptCheck === "on",
      },
      publishBytesMax: RAFT_DEFAULTS.appendBytesMax,
      autoCompaction: options.autoCompaction,
      snapshotBytesPerSecondMax: options.snapshotBytesPerSecond,
      snapshotWindowChunks: SNAPSHOT_WINDOW_CHUNKS,
      self: selfOf(options),
      members: options.initialCluster.map(({ name, id, peerUrls = brokersOf(options) }) => ({
        name,
        id,
        peerUrls,
        clientUrls: [],
        learner: false,
      })),
      version: PRODUCT_VERSION,
      unsafeOptions: options.forceNewCluster ? ["--force-new-cluster"] : [],
      clusterVersionMax: CLUSTER_VERSION_MAX,
      bootNonce,
    },
    {
      transport,
      feedTransport,
      subjects,
      clock: systemClock,
      scheduler: systemScheduler,
      prng: electionPrng(options.memberId, bootNonce),
      logger,
      tracer,
      logWriter,
      applier,
      start,
      repairUntil: promised?.at,
      position,
      membership,
      condition,
      removed,
      outdated,
      damaged: (why) => environment.damaged({ part: "state", why }),
    },
  );
  later.node = node;
  node.start();
  stack.defer(() => node.stop());
  stack.use(new Ballast(options, { clock: systemClock, logger })).start();

  const owned = stack.move();
  const stop = async (): Promise<void> => {
    const isLeader = (): boolean => node.status().leader === options.memberId;
    const hasLed = isLeader();
    await handOver();
    if (hasLed && isLeader()) logger.warn("nobody has taken the leadership over in time");
    else if (hasLed) logger.info("handed the leadership over", { term: node.status().term });
    await owned.disposeAsync();
  };
  return {
    incarnation: start.incarnation,
    readiness: nodeReadiness(
      { memberId: options.memberId, ...READY },
      { status: () => node.status(), isServing: () => node.isServing, transport, subjects },
    ),
    status: () => node.status(),
    stop,
    isOnlyCopy: () => node.isOnlyCopy,
    leaveDamaged: async (why) => {
      await node.leaveDamaged(why, HAND_OVER_TIMEOUTS * options.electionTimeoutMs);
      await transport.flush();
    },
  };
}

function startLogWriter(
  options: NodeOptions,
  create: LogWriterThreadData["create"],
  begun: () => void,
  report: (report: LogWriterReport) => void,
  failed: (error: Error) => void,
) {
  const { clusterId, memberId, dataDir } = options;
  const data: LogWriterThreadData = {
    directory: dataDir,
    create,
    options: {
      compactionEntriesMax: 1000,
      compactionPauseMs: 10,
      scrubIntervalMs: options.scrubIntervalMs,
      ...ANCHOR_LAG,
      strict: options.anchor === "strict",
    },
    expected: { clusterId, memberId },
  };
  return new ThreadRef<
    LogWriterMessage,
    Extract<PostedLogWriterReport, { kind: "begun" | "persisted" | "fetched" | "compacted" | "scrubbed" }>,
    LogFindings
  >(
    { name: "log-writer", entry: join(__dirname, "threads/log-writer-thread.js"), data },
    {
      pack: packLogWriterMessage,
      report: (posted) => (posted.kind === "begun" ? begun() : report(unpackLogWriterReport(posted))),
      failed,
    },
  );
}

/** What the engine would not have told. */
function tellDamage({ damagedWal, anchor }: LogFindings, logger: Logger): void {
  for (const damage of damagedWal) {
    if (damage.kind === "rot")
      logger.error("the write-ahead log is rotten: sound records behind a damaged one are dropped", {
        ...damage,
      });
    else logger.warn("the write-ahead log ends in the middle of a record, as after a crash", { ...damage });
  }
  if (anchor.record !== undefined && anchor.damagedSlots > 0)
    logger.warn("one of the two copies of the anchor is damaged, as after a crash; the other one counts");
}

function startApplier(
  options: NodeOptions,
  compacted: LogIndex,
  report: (report: ApplierReport) => void,
  failed: (error: Error) => void,
) {
  const { clusterId, memberId, dataDir } = options;
  const data: ApplierThreadData = {
    directory: dataDir,
    compacted,
    options: {
      clusterId,
      memberId,
      background: BACKGROUND_WORK_DEFAULTS,
      scrubIntervalMs: options.scrubIntervalMs,
      ...SLICE,
      // A fraction of the margin, so that a small one is not exceeded by what is not synced yet.
      syncEntries: Math.min(SYNC_ENTRIES_MAX, Math.ceil(options.logKeepEntries / 5)),
      syncBytes: Math.min(SYNC_BYTES_MAX, Math.ceil(options.logKeepBytes / 8)),
      chunkBytesMax: SNAPSHOT_CHUNK_BYTES,
      windowChunks: SNAPSHOT_WINDOW_CHUNKS,
    },
  };
  return new ThreadRef<
    ApplierMessage,
    Exclude<PostedApplierReport, { kind: "started" | "start-failed" | "closed" }>,
    {
      position: AppliedPosition;
      membership: Membership;
      condition: StoreCondition;
    }
  >(
    { name: "applier", entry: join(__dirname, "threads/applier-thread.js"), data },
    { pack: packApplierMessage, report: (posted) => report(unpackApplierReport(posted)), failed },
  );
}

/** Before anything is opened: opening writes. */
function refuseFenced({ dataDir }: NodeOptions): void {
  const mark = fenceOf(dataDir);
  if (mark !== undefined) throw new FencedError(`Cannot start: ${explainFence(dataDir, mark)}`);
}

function connect(
  options: NodeOptions,
  { logger, denied, exchange }: NodeEnvironment,
  manners: Pick<BrokerManners, "purpose" | "beforeMove">,
): Promise<Transport> {
  const moveWithinMs = (HAND_OVER_TIMEOUTS + 1) * options.electionTimeoutMs;
  const patience = { waitMs: options.brokerWaitMs, logger, denied };
  return connectToBroker(options, { ...manners, ...patience, moveWithinMs, exchange });
}

function selfOf(options: NodeOptions): NodeMember {
  const { memberId, name, clientUrls, peerUrls } = options;
  const shown = peerUrls.length > 0 ? peerUrls : brokersOf(options);
  return { id: memberId, name, clientUrls, peerUrls: shown, learner: false };
}

/** Peers meet on the broker: its address is what a peer URL can say, but not how to log in there. */
function brokersOf({ natsUrl }: NodeOptions): readonly string[] {
  return natsUrl.map((url) => url.replace(/^([a-z]+:\/\/)?[^@/]*@/, "$1"));
}
