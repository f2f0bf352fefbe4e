import { hexId, InvariantError } from "@quorate/base";
import { explainFence, putFence, type FenceMark } from "@quorate/fence";
import { instantCheck, ListenError, PageServer, type HealthCheck } from "@quorate/probes";
import { StorageError } from "@quorate/storage";
import { onStopSignals, type Logger, type Tracing } from "@quorate/telemetry";
import type { ProcessExchange } from "@quorate/transport";
import {
  BrokerAccessError,
  BrokerDeniedError,
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
import type { NodeOptions } from "./options";
import { startAdvice } from "./start-advice";
import { ThreadStartError } from "./threads/thread-ref";
import { startNode, type RunningNode } from "./wiring";

/** What else this process runs. */
export interface Companion {
  /** Before the node stops, in order. */
  stop(): Promise<void>;
}

export interface NodeProcessDependencies {
  readonly logger: Logger;
  readonly tracing: Tracing;
  /** Where the node meets what stands on it. */
  readonly exchange?: ProcessExchange;
  /** Starts what stands on the node, and is stopped before it. What it throws ends the process. */
  readonly above?: (node: RunningNode) => Promise<Companion>;
  /** What the node stands on, already running, and is stopped last. */
  readonly below?: Companion;
}

/** How long a member that has fenced itself may take to tell the others, in milliseconds. */
const LAST_WORDS_MS = 5000;

/**
 * The life of the process that is a member: started once, it ends the process, in order when it is asked to or must go, at once
 * when anything has happened after which its data or its memory cannot be trusted. See {@link EXIT}.
 */
export class NodeProcess {
  #running: RunningNode | undefined;
  #above: Companion | undefined;
  #pages: PageServer | undefined;
  #isStopping = false;
  #isFencing = false;

  constructor(
    private readonly options: NodeOptions,
    private readonly dependencies: NodeProcessDependencies,
  ) {}

  async run(): Promise<void> {
    const { options } = this;
    const { logger, tracing, above, exchange } = this.dependencies;
    const bug = "a bug, or damage that nothing foresaw";
    process.on("uncaughtException", (error) => this.#die(bug, error));
    process.on("unhandledRejection", (reason) => this.#die(bug, asError(reason)));
    onStopSignals(logger, (signal) => {
      if (!this.#isStopping) logger.info("stopping", { signal });
      void this.#end(0);
    });
    try {
      // First, so that whoever looks after it sees a process that starts, and not one that hangs.
      this.#pages = await PageServer.listen({ urls: options.listenMetricsUrl }, { ready: this.#readiness() });
      this.#running = await startNode(options, {
        logger,
        tracer: tracing.tracer,
        exchange,
        failed: (what, error) => {
          if (isDamage(error))
            this.#damaged({ part: what === "applier" ? "state" : "log", why: error.message });
          else this.#die(`the ${what} thread ended`, error);
        },
        damaged: (damage) => this.#damaged(damage),
        removed: (why) => this.#leave(why),
        outdated: (why) => this.#giveWay(why),
        denied: (error) => this.denied(error),
      });
      logger.info("member is up", {
        member: hexId(options.memberId),
        cluster: options.cluster,
        dataDir: options.dataDir,
        incarnation: this.#running.incarnation,
        formats: FORMATS,
      });
      this.#advise(this.#running);
      if (!this.#isStopping) this.#above = await above?.(this.#running);
    } catch (error) {
      return this.#refuse(asError(error));
    }
    if (this.#isStopping) await this.#stopAll();
  }

  /** Goes on beside everything else: brokers are asked. */
  #advise(node: RunningNode): void {
    const { logger } = this.dependencies;
    void startAdvice(this.options, node.status()).then((found) => {
      for (const { text, remedy } of found) logger.warn(text, { remedy });
    });
  }

  /** Also for what stands on the node and logs in to the broker as well. */
  denied(error: BrokerDeniedError): void {
    if (this.#isStopping) return;
    this.dependencies.logger.error(`ending: ${error.message}`);
    void this.#end(EXIT.brokerDenied);
  }

  /** In order, once. */
  async #end(code: number): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    await this.#stopAll();
    await this.dependencies.tracing.shutdown();
    process.exit(code);
  }

  async #stopAll(): Promise<void> {
    await this.#above?.stop();
    await this.#running?.stop();
    await this.dependencies.below?.stop();
    await this.#pages?.[Symbol.asyncDispose]();
  }

  /** Of the pages of this process: the member's, once there is one. */
  #readiness(): HealthCheck[] {
    const names = ["broker_connection", "serving", "caught_up"];
    const checks = (): readonly HealthCheck[] => {
      const { broker, member = [] } = this.#running?.readiness ?? {};
      return broker === undefined ? [] : [broker, ...member];
    };
    return [
      instantCheck("not_stopping", () => (this.#isStopping ? "this process ends" : undefined)),
      ...names.map((name): HealthCheck => ({
        name,
        run: (verdict) => {
          const check = checks().find((candidate) => candidate.name === name);
          if (check === undefined) verdict("this process is starting");
          else check.run(verdict);
        },
      })),
    ];
  }

  /** The cluster goes on without it. */
  #leave(why: string): void {
    if (this.#isStopping) return;
    const { memberId, dataDir } = this.options;
    this.dependencies.logger.error(
      "ending: the cluster has removed this member, and its id is never used again; delete its data directory",
      { member: hexId(memberId), dataDir, why },
    );
    void this.#end(EXIT.memberRemoved);
  }

  /** The cluster goes on by rules that this build does not know. */
  #giveWay(why: string): void {
    if (this.#isStopping) return;
    this.dependencies.logger.error(`ending: this build is too old for its cluster: ${why}`);
    void this.#end(EXIT.unsupportedVersion);
  }

  /** Its data are damaged: that is written down before anything else, so that no restart serves them or votes with them. */
  #damaged({ part, why }: FoundDamage): void {
    if (this.#isFencing) return;
    this.#isFencing = true;
    this.#isStopping = true;
    const mark = this.#fence({ part, why }, this.#running?.isOnlyCopy() ?? false);
    const { memberId, dataDir } = this.options;
    this.dependencies.logger.error(`ending: ${explainFence(dataDir, mark)}`, {
      member: hexId(memberId),
      part,
    });
    setTimeout(() => process.exit(EXIT.fenced), LAST_WORDS_MS);
    const end = (): never => process.exit(EXIT.fenced);
    (this.#running?.leaveDamaged(why) ?? Promise.resolve()).then(end, end);
  }

  /** Never throws: a disk that takes no mark may be the very trouble, and is no reason to go on. */
  #fence({ part, why }: FoundDamage, isOnlyCopy: boolean): FenceMark {
    const { dataDir, name, memberId } = this.options;
    const at = new Date().toISOString();
    const mark: FenceMark = { part, why, at, memberName: name, memberId: hexId(memberId), isOnlyCopy };
    try {
      putFence(dataDir, mark);
    } catch (error) {
      this.dependencies.logger.error(
        "the fence could not be written: do not start this member before its disk was looked at",
        { error: asError(error) },
      );
    }
    return mark;
  }

  /** It could not start: one clear line, and a code that says whether trying again makes sense. */
  #refuse(error: Error): never {
    // A state that does not even open can be fetched anew like one that fails later.
    if (error instanceof DamagedStateError)
      this.#fence({ part: "state", why: error.message }, error.isOnlyCopy);
    if (isDiskFull(error)) giveUpBallast(this.options.dataDir, this.dependencies.logger);
    this.dependencies.logger.error(`cannot start: ${error.message}`, {
      code: (error as { code?: string }).code,
    });
    process.exit(startExitCode(error));
  }

  /** It ran, and must not go on. */
  #die(what: string, error: Error): void {
    if (this.#isFencing) return; // it is about to end anyway, and its last words matter more
    if (isDamage(error)) return this.#damaged({ part: "state", why: error.message });
    const { logger } = this.dependencies;
    if (isTooOld(error)) {
      logger.error(`ending: this build is too old for its cluster: ${error.message}`);
      process.exit(EXIT.unsupportedVersion);
    }
    logger.error(`ending: ${what}: ${error.message}`, { error });
    process.exit(
      error instanceof InvariantError || isInvariant(error) ? EXIT.invariantBroken : EXIT.storageFailed,
    );
  }
}

function startExitCode(error: Error): number {
  if (error instanceof ListenError) return EXIT.cannotListen;
  if (error instanceof BrokerUnreachableError || error instanceof BrokerRefusedError)
    return EXIT.brokerUnavailable;
  if (error instanceof BrokerAccessError || error instanceof BrokerDeniedError) return EXIT.brokerDenied;
  if (error instanceof TransportConfigurationError) return EXIT.brokerUnavailable;
  if (error instanceof FencedError) return EXIT.fenced;
  if (error instanceof MemberClaimedError) return EXIT.alreadyRunning;
  if (isTooOld(error)) return EXIT.unsupportedVersion;
  if (error instanceof ThreadStartError && error.code === "storage-locked") return EXIT.alreadyRunning;
  if (error instanceof DamagedStateError) return EXIT.dataDirectory;
  if (isDiskFull(error) || hasCode(error, "storage-write")) return EXIT.storageFailed;
  if (error instanceof ThreadStartError || error instanceof StorageError) return EXIT.dataDirectory;
  return EXIT.storageFailed;
}

/** Errors of worker threads arrive as copies without their class. */
function isInvariant(error: Error): boolean {
  return error.name === "InvariantError" || hasCode(error, "invariant");
}

/** Of a log, a state or an entry that a newer build has written. */
function isTooOld(error: Error): boolean {
  return hasCode(error, "unsupported-version");
}

/** A database could not be opened for want of space, which says nothing about what it holds. */
function isDiskFull(error: Error): boolean {
  return hasCode(error, "storage-full");
}

function hasCode(error: Error, code: string): boolean {
  return (error as { code?: string }).code === code;
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
