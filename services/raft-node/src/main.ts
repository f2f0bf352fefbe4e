import { hexId, InvariantError } from "@quorate/base";
import { optionsOfProcess } from "@quorate/config";
import { explainFence, putFence, type FenceMark } from "@quorate/fence";
import { StorageError } from "@quorate/storage";
import { createLogger, startTracing, type Logger } from "@quorate/telemetry";
import {
  BrokerRefusedError,
  BrokerUnreachableError,
  TransportConfigurationError,
} from "@quorate/transport-nats";
import { giveUpBallast } from "./ballast";
import { EXIT } from "./exit-codes";
import { FORMATS } from "./formats";
import { DamagedStateError, isDamage, type FoundDamage } from "./integrity/damage";
import { FencedError } from "./integrity/fenced-error";
import { MemberClaimedError } from "./member-claim";
import { parseNodeOptions } from "./options";
import { ThreadStartError } from "./threads/thread-ref";
import { PRODUCT_VERSION } from "./version";
import { startNode, type RunningNode } from "./wiring";

const options = optionsOfProcess(parseNodeOptions);
const logger = createLogger({ service: "raft-node", name: options.name, level: options.logLevel });
const tracing = startTracing(
  { service: "quorate-raft-node", instance: options.name, version: PRODUCT_VERSION },
  process.env,
);

process.on("uncaughtException", (error) => die("a bug, or damage that nothing foresaw", error));
process.on("unhandledRejection", (reason) => die("a bug, or damage that nothing foresaw", asError(reason)));

/** How long a member that has fenced itself may take to tell the others, in milliseconds. */
const LAST_WORDS_MS = 5000;

let running: RunningNode | undefined;
let stopping = false;
let fencing = false;
process.on("SIGTERM", () => void stop("SIGTERM"));
process.on("SIGINT", () => void stop("SIGINT"));

void start();

async function start(): Promise<void> {
  try {
    running = await startNode(options, {
      logger,
      tracer: tracing.tracer,
      failed: (what, error) => {
        if (isDamage(error)) damaged({ part: what === "applier" ? "state" : "log", why: error.message });
        else die(`the ${what} thread ended`, error);
      },
      damaged,
      removed: (why) => void leave(why),
      outdated: (why) => void giveWay(why),
    });
  } catch (error) {
    return refuse(asError(error), logger);
  }
  logger.info("member is up", {
    member: hexId(options.memberId),
    cluster: options.cluster,
    dataDir: options.dataDir,
    incarnation: running.incarnation,
    formats: FORMATS,
  });
  if (stopping) await running.stop();
}

async function stop(signal: string): Promise<void> {
  if (stopping) return;
  stopping = true;
  logger.info("stopping", { signal });
  await running?.stop();
  await tracing.shutdown();
  process.exit(0);
}

/** The cluster goes on without it. */
async function leave(why: string): Promise<void> {
  if (stopping) return;
  stopping = true;
  logger.error(
    "ending: the cluster has removed this member, and its id is never used again; delete its data directory",
    { member: hexId(options.memberId), dataDir: options.dataDir, why },
  );
  await running?.stop();
  await tracing.shutdown();
  process.exit(EXIT.memberRemoved);
}

/** The cluster goes on by rules that this build does not know. */
async function giveWay(why: string): Promise<void> {
  if (stopping) return;
  stopping = true;
  logger.error(`ending: this build is too old for its cluster: ${why}`);
  await running?.stop();
  await tracing.shutdown();
  process.exit(EXIT.unsupportedVersion);
}

/** Its data are damaged: that is written down before anything else, so that no restart serves them or votes with them. */
function damaged({ part, why }: FoundDamage): void {
  if (fencing) return;
  fencing = true;
  stopping = true;
  const mark = fence({ part, why }, running?.isOnlyCopy() ?? false);
  logger.error(`ending: ${explainFence(options.dataDir, mark)}`, { member: hexId(options.memberId), part });
  setTimeout(() => process.exit(EXIT.fenced), LAST_WORDS_MS);
  const end = (): never => process.exit(EXIT.fenced);
  (running?.leaveDamaged(why) ?? Promise.resolve()).then(end, end);
}

/** Never throws: a disk that takes no mark may be the very trouble, and is no reason to go on. */
function fence({ part, why }: FoundDamage, isOnlyCopy: boolean): FenceMark {
  const { dataDir, name, memberId } = options;
  const at = new Date().toISOString();
  const mark: FenceMark = { part, why, at, memberName: name, memberId: hexId(memberId), isOnlyCopy };
  try {
    putFence(dataDir, mark);
  } catch (error) {
    logger.error("the fence could not be written: do not start this member before its disk was looked at", {
      error: asError(error),
    });
  }
  return mark;
}

/** It could not start: one clear line, and a code that says whether trying again makes sense. */
function refuse(error: Error, log: Logger): never {
  // A state that does not even open can be fetched anew like one that fails later.
  if (error instanceof DamagedStateError) fence({ part: "state", why: error.message }, error.isOnlyCopy);
  if (isDiskFull(error)) giveUpBallast(options.dataDir, log);
  log.error(`cannot start: ${error.message}`, { code: (error as { code?: string }).code });
  process.exit(startExitCode(error));
}

/** It ran, and must not go on. */
function die(what: string, error: Error): void {
  if (fencing) return; // it is about to end anyway, and its last words matter more
  if (isDamage(error)) return damaged({ part: "state", why: error.message });
  if (isTooOld(error)) {
    logger.error(`ending: this build is too old for its cluster: ${error.message}`);
    process.exit(EXIT.unsupportedVersion);
  }
  logger.error(`ending: ${what}: ${error.message}`, { error });
  process.exit(
    error instanceof InvariantError || isInvariant(error) ? EXIT.invariantBroken : EXIT.storageFailed,
  );
}

function startExitCode(error: Error): number {
  if (error instanceof BrokerUnreachableError || error instanceof BrokerRefusedError)
    return EXIT.brokerUnavailable;
  if (error instanceof TransportConfigurationError) return EXIT.brokerUnavailable;
  if (error instanceof FencedError) return EXIT.fenced;
  if (error instanceof MemberClaimedError) return EXIT.alreadyRunning;
  if (isTooOld(error)) return EXIT.unsupportedVersion;
  if (error instanceof ThreadStartError && error.code === "storage-locked") return EXIT.alreadyRunning;
  if (error instanceof DamagedStateError) return EXIT.dataDirectory;
  if (isDiskFull(error)) return EXIT.storageFailed;
  if (error instanceof ThreadStartError || error instanceof StorageError) return EXIT.dataDirectory;
  return EXIT.storageFailed;
}

/** Errors of worker threads arrive as copies without their class. */
function isInvariant(error: Error): boolean {
  return error.name === "InvariantError" || (error as { code?: string }).code === "invariant";
}

/** Of a log, a state or an entry that a newer build has written. */
function isTooOld(error: Error): boolean {
  return (error as { code?: string }).code === "unsupported-version";
}

/** A database could not be opened for want of space, which says nothing about what it holds. */
function isDiskFull(error: Error): boolean {
  return (error as { code?: string }).code === "storage-full";
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
