import { optionsOfProcess } from "@quorate/config";
import { createLogger, startTracing, type Logger, type Tracing } from "@quorate/telemetry";
import { EXIT } from "./exit-codes";
import { parseGatewayOptions, type GatewayProcessOptions } from "./options";
import { SERVICE_VERSION } from "./version";
import { startGateway, type RunningGateway } from "./wiring";

const SERVICE = "quorate-kv-gateway";

const options = optionsOfProcess(parseGatewayOptions);
const logger = createLogger({ service: SERVICE, name: options.name, level: options.logLevel });
endOnBugs(logger);
void run(options, logger);

async function run(options: GatewayProcessOptions, logger: Logger): Promise<void> {
  // Before the start, which may take long: who waits for a broker can be stopped as well.
  const stopAsked = new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, resolve);
  });
  let gateway: RunningGateway | undefined;
  let tracing: Tracing;
  try {
    tracing = startTracing(
      { service: SERVICE, instance: options.name, version: SERVICE_VERSION },
      process.env,
    );
    const started = startGateway(options, { logger, tracer: tracing.tracer });
    started.catch(() => undefined); // handled below, unless a signal came first
    gateway = await Promise.race([started, stopAsked.then(() => undefined)]);
  } catch (error) {
    logger.error("cannot start", { reason: (error as Error).message });
    process.exit(exitCodeOf(error));
  }
  if (gateway === undefined) process.exit(EXIT.ok); // stopped while it waited for a broker
  logger.info("serving client requests", { url: gateway.clientUrl, cluster: options.cluster });
  const signal = await stopAsked;
  logger.info("stopping", { signal });
  await gateway.stop();
  await tracing.shutdown();
  logger.info("stopped");
  process.exit(EXIT.ok);
}

/** State after an unexpected throw is unknown; another process takes over, and nothing is lost with this one. */
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
