import { createLogger, type Logger, type LogLevel } from "./logger";
import { onStopSignals } from "./stop-signals";
import { startTracing } from "./start-tracing";
import type { Tracer } from "./tracer";

/** Why a process without state of its own ended, for supervisors. Bad options end it with 2 before anything is started. */
export const STATELESS_EXIT = {
  ok: 0,
  /** An address is taken, or tracing or a broker address is configured wrongly. Starting again does not help. */
  cannotStart: 64,
  /** No broker, or one that refuses this process. */
  brokerUnavailable: 69,
  /** A broker that forbids what the process needs, or credentials of no use. */
  brokerDenied: 76,
  /** A bug. */
  crashed: 70,
} as const;

export interface StatelessProcess {
  /** As in logs and traces: `quorate-kv-gateway`. */
  readonly service: string;
  /** Which of them. */
  readonly name: string;
  readonly version: string;
  readonly logLevel: LogLevel;
}

/** What a process runs. */
export interface RunningService {
  /** Ends it in order. Idempotent. */
  stop(): Promise<void>;
}

/** What there is before the service itself. */
export interface ProcessEnvironment {
  readonly logger: Logger;
  readonly tracer: Tracer;
  /** Ends the process, which cannot do its work any more, with the code that stands for the error. */
  readonly failed: (error: Error) => void;
}

/**
 * The life of a process that may be lost at any time: starts the service, stops it in order at SIGTERM or SIGINT (at once at a second one), also while it
 * is still waiting for a broker, and ends at a bug, since the state after an unexpected throw is unknown.
 */
export function runStateless(
  { service, name, version, logLevel }: StatelessProcess,
  start: (environment: ProcessEnvironment) => Promise<RunningService>,
): void {
  const logger = createLogger({ service, name, level: logLevel });
  endOnBugs(logger);
  const stopAsked = new Promise<NodeJS.Signals>((resolve) => onStopSignals(logger, resolve));
  void run().catch((error: unknown) => end("cannot start", error));

  function end(what: string, error: unknown): never {
    logger.error(what, { reason: (error as Error).message });
    process.exit(exitCodeOf(error));
  }

  async function run(): Promise<never> {
    const tracing = startTracing({ service, instance: name, version }, process.env);
    const started = start({ logger, tracer: tracing.tracer, failed: (error) => end("ending", error) });
    started.catch(() => undefined); // handled below, unless a signal came first
    const running = await Promise.race([started, stopAsked.then(() => undefined)]);
    if (running === undefined) process.exit(STATELESS_EXIT.ok); // stopped while it waited for a broker
    const signal = await stopAsked;
    logger.info("stopping", { signal });
    await running.stop();
    await tracing.shutdown();
    logger.info("stopped");
    process.exit(STATELESS_EXIT.ok);
  }
}

function endOnBugs(logger: Logger): void {
  const end = (error: unknown): never => {
    logger.error("ended by a bug", { error });
    process.exit(STATELESS_EXIT.crashed);
  };
  process.on("uncaughtException", end);
  process.on("unhandledRejection", end);
}

function exitCodeOf(error: unknown): number {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "broker-unreachable" || code === "broker-refused") return STATELESS_EXIT.brokerUnavailable;
  if (code === "broker-denied" || code === "broker-access") return STATELESS_EXIT.brokerDenied;
  return typeof code === "string" ? STATELESS_EXIT.cannotStart : STATELESS_EXIT.crashed;
}
