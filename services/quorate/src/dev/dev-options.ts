import { resolve } from "node:path";
import { parseDurationMs } from "@quorate/config";
import { usageError } from "../command-error";

/** What the command line gives, as text. */
export interface DevFlags {
  readonly members?: string;
  readonly gateways?: string;
  readonly fanouts?: string;
  readonly logKeepEntries?: string;
  readonly eventSubjects?: string;
  readonly clientUrls?: string;
  readonly dataDir?: string;
  readonly natsUrl?: string;
  readonly brokerPort?: string;
  readonly cluster?: string;
  readonly quotaBackendBytes?: string;
  readonly alarmClear?: string;
  readonly autoCompactionMode?: string;
  readonly autoCompactionRetention?: string;
  readonly ballastBytes?: string;
  readonly corruptCheckTime?: string;
  readonly scrubInterval?: string;
  readonly fresh?: boolean;
  readonly detach?: boolean;
}

export type EventSubjects = "on" | "off";

export interface DevOptions {
  /** `undefined`: what the data directory holds, or else 3. */
  readonly members: number | undefined;
  /** One address for clients per gateway. */
  readonly clientUrls: readonly string[];
  /** Processes that serve watches. */
  readonly fanouts: number;
  /** Whether they publish each change as a plain message, too. */
  readonly eventSubjects: EventSubjects;
  /** Absolute. */
  readonly dataDir: string;
  /** A broker that runs already; `undefined`: start one. */
  readonly natsUrl: string | undefined;
  /** Where the broker listens that is started; `undefined`: at 4222 if that is free, else anywhere. */
  readonly brokerPort: number | undefined;
  /** `undefined`: what the data directory holds, or else "dev". */
  readonly cluster: string | undefined;
  /** Handed to every raft-node as they are. */
  readonly nodeFlags: Readonly<Record<string, string>>;
  readonly fresh: boolean;
  readonly detach: boolean;
}

export const DATA_DIR_DEFAULT = ".quorate/dev";
const FIRST_CLIENT_PORT = 2379;
const PORT_MAX = 65_535;
const MEMBERS_MAX = 7;
const GATEWAYS_MAX = 16;
const FANOUTS_DEFAULT = 1;
const FANOUTS_MAX = 16;
const LOG_KEEP_ENTRIES_MAX = 100_000_000;
/** An eighth of raft-node's own: here several members share a disk with everything else that people have. */
const BALLAST_BYTES_DEFAULT = 8 * 1024 * 1024;

/** @throws {CommandError} An option makes no sense, or contradicts another. */
export function parseDevOptions(flags: DevFlags): DevOptions {
  if (flags.cluster !== undefined && !/^[A-Za-z0-9_-]{1,64}$/.test(flags.cluster)) {
    throw usageError(
      `--cluster "${flags.cluster}" cannot be a name: use 1 to 64 letters, digits, "_" and "-".`,
    );
  }
  if (flags.natsUrl !== undefined) checkNatsUrl(flags.natsUrl);
  if (flags.natsUrl !== undefined && flags.brokerPort !== undefined)
    throw usageError(
      "--broker-port is for a broker that is started here, and --nats-url names one that runs.",
    );
  return {
    members: flags.members === undefined ? undefined : count("--members", flags.members, MEMBERS_MAX),
    clientUrls: clientUrlsOf(flags),
    fanouts: flags.fanouts === undefined ? FANOUTS_DEFAULT : count("--fanouts", flags.fanouts, FANOUTS_MAX),
    eventSubjects: eventSubjectsOf(flags),
    dataDir: resolve(flags.dataDir ?? DATA_DIR_DEFAULT),
    natsUrl: flags.natsUrl,
    brokerPort:
      flags.brokerPort === undefined ? undefined : count("--broker-port", flags.brokerPort, PORT_MAX),
    cluster: flags.cluster,
    nodeFlags: nodeFlagsOf(flags),
    fresh: flags.fresh ?? false,
    detach: flags.detach ?? false,
  };
}

/** @throws {CommandError} A raft-node would refuse it: said here once, and not by every member. */
function nodeFlagsOf(flags: DevFlags): Record<string, string> {
  const { quotaBackendBytes, alarmClear, autoCompactionMode, autoCompactionRetention, logKeepEntries } =
    flags;
  if (quotaBackendBytes !== undefined && !/^-?\d{1,15}$/.test(quotaBackendBytes))
    throw usageError(`--quota-backend-bytes needs a whole number, not "${quotaBackendBytes}".`);
  if (alarmClear !== undefined && alarmClear !== "auto" && alarmClear !== "manual")
    throw usageError(`--alarm-clear is auto or manual, not "${alarmClear}".`);
  if (logKeepEntries !== undefined) count("--log-keep-entries", logKeepEntries, LOG_KEEP_ENTRIES_MAX);
  const { ballastBytes = `${BALLAST_BYTES_DEFAULT}` } = flags;
  if (!/^\d{1,12}$/.test(ballastBytes))
    throw usageError(`--ballast-bytes needs a whole number, not "${ballastBytes}".`);
  checkAutoCompaction(flags);
  checkInterval("--corrupt-check-time", flags.corruptCheckTime);
  checkInterval("--scrub-interval", flags.scrubInterval);
  const given = Object.entries({
    "quota-backend-bytes": quotaBackendBytes,
    "alarm-clear": alarmClear,
    "auto-compaction-mode": autoCompactionMode,
    "auto-compaction-retention": autoCompactionRetention,
    "log-keep-entries": logKeepEntries,
    "ballast-bytes": ballastBytes,
    "corrupt-check-time": flags.corruptCheckTime,
    "scrub-interval": flags.scrubInterval,
  });
  return Object.fromEntries(given.filter((flag): flag is [string, string] => flag[1] !== undefined));
}

function checkAutoCompaction(flags: DevFlags): void {
  const { autoCompactionMode: mode = "periodic", autoCompactionRetention: retention = "0" } = flags;
  if (mode !== "periodic" && mode !== "revision") {
    throw usageError(`--auto-compaction-mode is periodic or revision, not "${mode}".`);
  }
  const isNumber = /^\d+$/.test(retention);
  if (!isNumber && (mode === "revision" || parseDurationMs(retention) === undefined)) {
    const needs = mode === "revision" ? "a number of revisions" : "a time such as 10m, or a number of hours";
    throw usageError(`--auto-compaction-retention needs ${needs}, not "${retention}".`);
  }
}

function checkInterval(flag: string, given = "0"): void {
  if (given !== "0" && (parseDurationMs(given) ?? 0) < 1000)
    throw usageError(`${flag} needs a time such as 30m or 24h, 1s at least, or 0 for never, not "${given}".`);
}

/** On, unlike in production: here people look around, and nobody pays for a broker. */
function eventSubjectsOf({ eventSubjects = "on" }: DevFlags): EventSubjects {
  if (eventSubjects === "on" || eventSubjects === "off") return eventSubjects;
  throw usageError(`--event-subjects is on or off, not "${eventSubjects}".`);
}

function clientUrlsOf(flags: DevFlags): string[] {
  const gateways =
    flags.gateways === undefined ? undefined : count("--gateways", flags.gateways, GATEWAYS_MAX);
  if (flags.clientUrls === undefined) {
    return Array.from({ length: gateways ?? 1 }, (_, at) => `http://127.0.0.1:${FIRST_CLIENT_PORT + at}`);
  }
  const urls = flags.clientUrls.split(",").map((url) => clientUrl(url.trim()));
  if (gateways !== undefined && gateways !== urls.length) {
    throw usageError(`--gateways ${gateways} needs as many --client-urls, but ${urls.length} were given.`);
  }
  if (new Set(urls).size < urls.length) throw usageError("--client-urls names an address twice.");
  return urls;
}

function clientUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "http:" || url.port === "" || url.pathname !== "/") {
    throw usageError(`--client-urls: "${text}" is not like http://127.0.0.1:2379.`);
  }
  return url.origin;
}

function checkNatsUrl(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !["nats:", "tls:"].includes(url.protocol) || url.hostname === "") {
    throw usageError(`--nats-url: "${text}" is not like nats://127.0.0.1:4222.`);
  }
}

function count(flag: string, text: string, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > max) {
    throw usageError(`${flag} needs a whole number from 1 to ${max}, not "${text}".`);
  }
  return value;
}
