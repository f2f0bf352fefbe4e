import { optionsOfProcess } from "@quorate/config";
import { createLogger, startTracing, type Logger, type Tracing } from "@quorate/telemetry";
import { EXIT } from "./exit-codes";
import { parseFanoutOptions, type FanoutProcessOptions } from "./options";
import { SERVICE_VERSION } from "./version";
import { startFanout } from "./wiring";

const options = optionsOfProcess(parseFanoutOptions);
const logger = createLogger({ service: "quorate-watch-fanout", name: options.name, level: options.logLevel });
endOnBugs(logger);
void run(options, logger);

async function run(options: FanoutProcessOptions, logger: Logger): Promise<void> {
  // Before the start, which may take long: who waits for a broker can be stopped as well.
  const stopAsked = new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, resolve);
  });
  const tracing = tracingOf(options, logger);
  const started = startFanout(options, { logger, tracer: tracing.tracer });
  started.catch(() => undefined); // handled below, unless a signal came first
  try {
    const fanout = await Promise.race([started, stopAsked.then(() => undefined)]);
    if (fanout === undefined) process.exit(EXIT.ok);
    logger.info("up", { cluster: options.cluster });
    const signal = await stopAsked;
    logger.info("stopping", { signal });
    await fanout.stop();
    await tracing.shutdown();
  } catch (error) {
    logger.error("cannot start", { reason: (error as Error).message });
    process.exit(exitCodeOf(error));
  }
  process.exit(EXIT.ok);
}

function tracingOf({ name }: FanoutProcessOptions, logger: Logger): Tracing {
  try {
    return startTracing(
      { service: "quorate-watch-fanout", instance: name, version: SERVICE_VERSION },
      process.env,
    );
  } catch (error) {
    logger.error("cannot start", { reason: (error as Error).message });
    process.exit(exitCodeOf(error));
  }
}

/** State after an unexpected throw is unknown; subscribers go on with another process, and nothing is lost with this one. */
function endOnBugs(logger: Logger): void {
  const end = (error: unknown): never => {
    logger.error("ended by a bug", { error });
    process.exit(EXIT.crashed);
  };
  process.on("uncaughtException", end);
  process.on("unhandledRejection", end);
}

function exitCodeOf(error: unknown): number {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "broker-unreachable" || code === "broker-refused") return EXIT.brokerUnavailable;
  return typeof code === "string" ? EXIT.cannotStart : EXIT.crashed;
}
