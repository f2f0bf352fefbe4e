/** How much of a cluster's logs a terminal shows. */
export interface LogLineOptions {
  readonly color: boolean;
  /** Column width of the process names. */
  readonly nameWidth: number;
}

type Level = "trace" | "debug" | "info" | "warn" | "error" | "fatal";

interface LogRecord {
  /** Milliseconds since 1970; `undefined`: the line told none. */
  readonly time: number | undefined;
  readonly level: Level | undefined;
  readonly message: string;
}

/** Fields that every line of a service carries and that its name in front already tells. */
const OMITTED_FIELDS = new Set([
  "level",
  "time",
  "msg",
  "message",
  "pid",
  "hostname",
  "name",
  "service",
  "v",
  "err",
]);
const FIELDS_MAX = 6;
const FIELD_CHARACTERS_MAX = 60;
const COLORS = { trace: 90, debug: 90, info: 32, warn: 33, error: 31, fatal: 31 } satisfies Record<
  Level,
  number
>;
const NATS_LEVELS: Readonly<Record<string, Level>> = {
  INF: "info",
  WRN: "warn",
  ERR: "error",
  FTL: "fatal",
  DBG: "debug",
  TRC: "trace",
};

/**
 * One line of a process's output for people: time, name, level, message and a few fields. Understands what nats-server
 * writes, and pino with numbers or names for levels and times; everything else is shown as it is.
 *
 * @returns `undefined` for what is left to the log file: empty lines, and the broker's reports of its daily life.
 */
export function renderLogLine(name: string, line: string, options: LogLineOptions): string | undefined {
  if (line.trim() === "") return undefined;
  const fromBroker = natsRecord(line);
  if (fromBroker !== undefined && (fromBroker.level === "info" || fromBroker.level === "debug"))
    return undefined;
  const record = pinoRecord(line) ?? fromBroker ?? { time: undefined, level: undefined, message: line };
  const level = (record.level ?? "").padEnd(5);
  const painted =
    options.color && record.level !== undefined ? `\u001b[${COLORS[record.level]}m${level}\u001b[0m` : level;
  const time = record.time === undefined ? " ".repeat(12) : timeOfDay(record.time);
  return `${time} ${name.padEnd(options.nameWidth)} ${painted} ${record.message}`;
}

function pinoRecord(line: string): LogRecord | undefined {
  if (!line.startsWith("{")) return undefined;
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  return {
    time: timeOf(fields.time),
    level: levelOf(fields.level),
    message: [messageOf(fields), ...shownFields(fields), errorText(fields.err)]
      .filter((part) => part !== "")
      .join(" "),
  };
}

/** nats-server writes `[pid] 2024/01/31 10:20:30.000001 [INF] text`. */
function natsRecord(line: string): LogRecord | undefined {
  const match = /^\[\d+\] (\d{4})\/(\d\d)\/(\d\d) (\d\d:\d\d:\d\d\.\d{3})\d* \[([A-Z]{3})\] (.*)$/.exec(line);
  if (match === null) return undefined;
  const [, year, month, day, time, level, message] = match;
  return {
    time: Date.parse(`${year}-${month}-${day}T${time}`),
    level: NATS_LEVELS[level!],
    message: message!,
  };
}

function shownFields(fields: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(fields)
    .filter(([key, value]) => !OMITTED_FIELDS.has(key) && value !== undefined && value !== null)
    .slice(0, FIELDS_MAX)
    .map(([key, value]) => `${key}=${shortened(typeof value === "string" ? value : JSON.stringify(value))}`);
}

function errorText(error: unknown): string {
  if (typeof error !== "object" || error === null || !("message" in error)) return "";
  return `error=${shortened(JSON.stringify(error.message))}`;
}

function shortened(text: string): string {
  return text.length <= FIELD_CHARACTERS_MAX ? text : `${text.slice(0, FIELD_CHARACTERS_MAX - 1)}…`;
}

function messageOf(fields: Readonly<Record<string, unknown>>): string {
  const message = fields.message ?? fields.msg;
  return typeof message === "string" ? message : "";
}

/** pino writes milliseconds or, if told to, ISO 8601. */
function timeOf(time: unknown): number | undefined {
  if (typeof time === "number") return time;
  const parsed = typeof time === "string" ? Date.parse(time) : Number.NaN;
  return Number.isNaN(parsed) ? undefined : parsed;
}

function levelOf(level: unknown): Level | undefined {
  if (typeof level === "string") return Object.hasOwn(COLORS, level) ? (level as Level) : undefined;
  if (typeof level !== "number") return undefined;
  if (level >= 60) return "fatal";
  if (level >= 50) return "error";
  if (level >= 40) return "warn";
  if (level >= 30) return "info";
  return level >= 20 ? "debug" : "trace";
}

function timeOfDay(time: number): string {
  const date = new Date(time);
  const two = (value: number): string => String(value).padStart(2, "0");
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
  return `${clock}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}
