import { hexId } from "@quorate/base";
import pino from "pino";
import pretty from "pino-pretty";
import { traceIdsOf, type TraceContext } from "./trace-context";

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "silent";

/** Named facts beside the message. `error` is written with its stack and causes; bigints are ids, written in hex. */
export type LogFacts = Readonly<Record<string, unknown>>;

/** Where a service says what people should know of it. The message is constant; what varies goes into the facts. */
export interface Logger {
  trace(message: string, facts?: LogFacts): void;
  debug(message: string, facts?: LogFacts): void;
  info(message: string, facts?: LogFacts): void;
  warn(message: string, facts?: LogFacts): void;
  error(message: string, facts?: LogFacts): void;
  /** Ask first when the facts are expensive to gather. */
  isEnabled(level: Exclude<LogLevel, "silent">): boolean;
  /** A logger that adds `facts` to every record. */
  child(facts: LogFacts): Logger;
  /** A logger whose records can be found from the trace, by `trace_id` and `span_id`; this one without a context. */
  withTrace(context: TraceContext | undefined): Logger;
}

export interface LoggerOptions {
  readonly service: string;
  /** Which of its kind: the member's or the instance's name. */
  readonly name: string;
  /** Records below it are dropped. */
  readonly level: LogLevel;
  /** Lines for people instead of JSON. By default: whether standard output is a terminal. */
  readonly pretty?: boolean;
}

/** Takes one line, with its end. */
export interface LogDestination {
  write(line: string): void;
}

/** Logs to standard output, or to `destination`. Writes are synchronous, so that the last words of a crash arrive. */
export function createLogger(options: LoggerOptions, destination?: LogDestination): Logger {
  const settings: pino.LoggerOptions = {
    level: options.level,
    base: { service: options.service, name: options.name },
    messageKey: "message",
    errorKey: "error",
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (level) => ({ level }) },
    serializers: { error: pino.stdSerializers.errWithCause },
  };
  return new PinoLogger(pino(settings, streamFor(options, destination)));
}

class PinoLogger implements Logger {
  readonly #pino: pino.Logger;

  constructor(logger: pino.Logger) {
    this.#pino = logger;
  }

  trace(message: string, facts?: LogFacts): void {
    if (this.#pino.isLevelEnabled("trace")) this.#pino.trace(printable(facts), message);
  }

  debug(message: string, facts?: LogFacts): void {
    if (this.#pino.isLevelEnabled("debug")) this.#pino.debug(printable(facts), message);
  }

  info(message: string, facts?: LogFacts): void {
    if (this.#pino.isLevelEnabled("info")) this.#pino.info(printable(facts), message);
  }

  warn(message: string, facts?: LogFacts): void {
    if (this.#pino.isLevelEnabled("warn")) this.#pino.warn(printable(facts), message);
  }

  error(message: string, facts?: LogFacts): void {
    if (this.#pino.isLevelEnabled("error")) this.#pino.error(printable(facts), message);
  }

  isEnabled(level: Exclude<LogLevel, "silent">): boolean {
    return this.#pino.isLevelEnabled(level);
  }

  child(facts: LogFacts): Logger {
    return new PinoLogger(this.#pino.child(printable(facts)));
  }

  withTrace(context: TraceContext | undefined): Logger {
    const ids = context === undefined ? undefined : traceIdsOf(context);
    return ids === undefined ? this : this.child({ trace_id: ids.traceId, span_id: ids.spanId });
  }
}

function streamFor(options: LoggerOptions, destination: LogDestination | undefined): pino.DestinationStream {
  const usePretty = options.pretty ?? (destination === undefined && process.stdout.isTTY === true);
  if (!usePretty) return destination ?? pino.destination({ dest: 1, sync: true });
  const layout = {
    ignore: "pid,hostname,service,name",
    messageKey: "message",
    errorLikeObjectKeys: ["error"],
  };
  if (destination === undefined) return pretty({ ...layout, destination: 1, sync: true });
  // In-process: pino's own transports run in a worker that a bundle would not contain.
  const format = pretty.prettyFactory({ ...layout, colorize: false });
  return { write: (line) => destination.write(format(line)) };
}

function printable(facts: LogFacts | undefined): Record<string, unknown> {
  const printed: Record<string, unknown> = {};
  for (const name in facts) {
    const value = facts[name];
    printed[name] = typeof value === "bigint" ? hexId(value) : value;
  }
  return printed;
}

/** Says nothing. */
export const SILENT_LOGGER: Logger = createLogger(
  { service: "", name: "", level: "silent", pretty: false },
  { write: () => undefined },
);
