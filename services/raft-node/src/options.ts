import { parseHexId } from "@quorate/base";
import {
  BROKER_OPTIONS,
  defineOptions,
  type Environment,
  integer,
  listOf,
  matching,
  onOrOff,
  oneOf,
  parseDurationMs,
  PROBE_OPTIONS,
  text,
} from "@quorate/config";
import type { MemberId } from "@quorate/raft";
import type { BrokerSettings } from "@quorate/transport-nats";
import { parseClusterName, type ClusterName } from "@quorate/wire";
import type { AlarmClearing } from "./actors/quota-actor";
import { parseAutoCompaction, type AutoCompaction, type AutoCompactionMode } from "./auto-compaction";
import { PRODUCT_VERSION } from "./version";

export interface InitialMember {
  readonly name: string;
  readonly id: MemberId;
  /** Where it says that it is; undefined: at the brokers. */
  readonly peerUrls?: readonly string[];
}

/** What a raft-node is started with, validated. Times are in milliseconds. */
export interface NodeOptions extends BrokerSettings {
  readonly name: string;
  readonly memberId: MemberId;
  readonly cluster: ClusterName;
  readonly clusterId: bigint;
  readonly dataDir: string;
  readonly initialCluster: readonly InitialMember[];
  readonly initialClusterState: "new" | "join" | "existing";
  /** Makes a survivor of a cluster that lost its majority for good the only member of a new one; see `refounding/`. */
  readonly forceNewCluster: boolean;
  readonly clientUrls: readonly string[];
  /** Empty: the brokers. */
  readonly peerUrls: readonly string[];
  readonly electionTimeoutMs: number;
  readonly applyBacklogMax: number;
  readonly readsMax: number;
  /** `undefined`: history is kept until a client compacts. */
  readonly autoCompaction: AutoCompaction | undefined;
  /** Infinity: none. */
  readonly quotaBytes: number;
  readonly alarmClear: AlarmClearing;
  readonly brokerWaitMs: number;
  /** See RaftOptions. */
  readonly logKeepEntries: number;
  readonly logKeepBytes: number;
  /** Whether the anchor is written before each acknowledgement. */
  readonly anchor: "lagging" | "strict";
  readonly snapshotBytesPerSecond: number;
  /** See Ballast; 0: none. */
  readonly ballastBytes: number;
  /** `undefined`: never. */
  readonly corruptCheckMs: number | undefined;
  readonly initialCorruptCheck: "on" | "off";
  /** `undefined`: never. */
  readonly scrubIntervalMs: number | undefined;
  /** Empty: no pages are served. */
  readonly listenMetricsUrl: readonly string[];
  readonly logLevel: "trace" | "debug" | "info" | "warn" | "error";
}

/**
 * etcd's is 2 GiB, because its store suffers beyond 8 GiB, which is therefore what people raise it to. Nothing here suffers
 * there, so that is where it begins.
 */
const DEFAULT_QUOTA_BYTES = 8 * 1024 ** 3;

const hexId = matching(/[0-9a-fA-F]{1,16}/, "1 to 16 hexadecimal digits, not 0");
const initialMember = matching(
  /[A-Za-z0-9_.-]{1,64}=[0-9a-fA-F]{1,16}/,
  "NAME=ID with a name of letters, digits, _, . and - and a hexadecimal id",
);

const parse = defineOptions({
  name: "raft-node",
  description: "One member of a Quorate cluster: its Raft log and its copy of the state.",
  version: PRODUCT_VERSION,
  options: {
    name: {
      schema: matching(/[A-Za-z0-9_.-]{1,64}/, "1 to 64 letters, digits, _, . and -"),
      description: "This member",
    },
    memberId: {
      schema: hexId,
      description: "Its identity, chosen at random once and never used for another member",
    },
    cluster: {
      schema: matching(/[A-Za-z0-9_-]{1,64}/, "1 to 64 letters, digits, _ and -"),
      description: "Name of the cluster: part of every subject",
    },
    clusterId: { schema: hexId, description: "Identity of the cluster; messages of another one are dropped" },
    dataDir: { schema: text(), description: "Directory of this member alone" },
    natsUrl: { schema: listOf(text()), description: "Brokers", default: ["nats://127.0.0.1:4222"] },
    ...BROKER_OPTIONS,
    initialCluster: {
      schema: listOf(initialMember).optional(),
      description: "All members that the cluster begins with; not needed by one that joins later",
    },
    initialClusterState: {
      schema: oneOf("new", "join", "existing"),
      description:
        "What an empty data directory means: that the cluster is founded (new), that this member was just added to a " +
        "cluster that runs and gets everything from it (join), or an error (existing)",
      default: "existing",
    },
    forceNewCluster: {
      schema: onOrOff(),
      description:
        "UNSAFE, for one start: a majority is lost for good, and this survivor becomes the only member of a new cluster, which needs a new --cluster-id and a new --cluster",
      default: false,
    },
    clientUrls: {
      schema: listOf(text()).optional(),
      description: "Where clients reach the gateway of this member",
    },
    peerUrls: {
      schema: listOf(text()).optional(),
      description: "What is shown as its peer URLs; the brokers unless given",
    },
    electionTimeoutMs: {
      schema: integer(100, 60_000),
      description:
        "How long a follower waits for its leader, in milliseconds: at least this, at most twice as long",
      default: 1000,
    },
    applyBacklogMax: {
      schema: integer(1, 1_000_000),
      description:
        "Committed entries that may wait to be applied; more proposals are refused with too many requests",
      default: 5000,
    },
    readsMax: {
      schema: integer(1, 1_000_000),
      description: "Read requests that may wait at once; more are refused with too many requests",
      default: 10_000,
    },
    autoCompactionMode: {
      schema: oneOf("periodic", "revision"),
      description: "What --auto-compaction-retention counts: time, or revisions",
      default: "periodic",
    },
    autoCompactionRetention: {
      schema: text(),
      description:
        "How much history the leader keeps when it compacts on its own: like 10m or 1h30m, a bare number of hours, or of revisions in that mode; 0 is off",
      default: "0",
    },
    quotaBackendBytes: {
      schema: integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
      description:
        "Bytes of keys, values and history that may be stored before writes are refused and the alarm NOSPACE is raised; 0: 8 GiB, negative: no limit",
      default: 0,
    },
    alarmClear: {
      schema: oneOf("auto", "manual"),
      description:
        "Whether NOSPACE goes by itself once less than nine tenths of the quota are used (auto), or stays until it is disarmed, as in etcd (manual)",
      default: "auto",
    },
    brokerWaitMs: {
      schema: integer(0, 3_600_000),
      description: "How long to wait for a broker at the start, in milliseconds",
      default: 30_000,
    },
    logKeepEntries: {
      schema: integer(1, 100_000_000),
      description: "Applied entries kept in the log for members that lag; who lags further gets a snapshot",
      default: 5000,
    },
    logKeepBytes: {
      schema: integer(1, 2 ** 50),
      description: "Bytes of entries kept for that purpose at the most; four times that during a snapshot",
      default: 256 * 1024 * 1024,
    },
    anchor: {
      schema: oneOf("lagging", "strict"),
      description:
        "When the file that tells how long the log is follows it: within 100 ms or 1000 entries (lagging), or before each acknowledgement, at the price of another sync (strict)",
      default: "lagging",
    },
    snapshotBytesPerSecond: {
      schema: integer(1024, 2 ** 40),
      description: "How fast this member fetches a snapshot, in bytes per second",
      default: 64 * 1024 * 1024,
    },
    ballastBytes: {
      schema: integer(0, 2 ** 40),
      description:
        "Bytes of disk space kept for the start that follows a full disk, once four times as much is free; 0: none",
      default: 64 * 1024 * 1024,
    },
    corruptCheckTime: {
      schema: text(),
      description:
        "How often the leader compares the key-values of all members, read from their disks, like 30m or 6h; 0 is never",
      default: "6h",
    },
    initialCorruptCheck: {
      schema: oneOf("on", "off"),
      description: "Whether a member compares its key-values with those of the others before it serves",
      default: "off",
    },
    scrubInterval: {
      schema: text(),
      description:
        "Within which time a member reads everything that it stores once, to find damage early, like 24h; 0 is never",
      default: "24h",
    },
    ...PROBE_OPTIONS,
    logLevel: {
      schema: oneOf("trace", "debug", "info", "warn", "error"),
      description: "Least level logged",
      default: "info",
    },
  },
  check: (options) => {
    const problems: string[] = [];
    const ids = (options.initialCluster ?? []).map((member) => parseMember(member).id);
    if (autoCompactionOf(options) === "invalid") {
      problems.push(
        options.autoCompactionMode === "revision"
          ? "--auto-compaction-retention needs a number of revisions in this mode"
          : "--auto-compaction-retention needs a time such as 10m or 1h30m, 1s at least, or a number of hours",
      );
    }
    for (const [flag, given] of [
      ["--corrupt-check-time", options.corruptCheckTime],
      ["--scrub-interval", options.scrubInterval],
    ] as const) {
      if (everyMsOf(given) === "invalid")
        problems.push(`${flag} needs a time such as 30m or 24h, 1s at least, or 0`);
    }
    if (parseHexId(options.memberId) === 0n) problems.push("--member-id must not be 0");
    if (new Set(ids).size < ids.length) problems.push("--initial-cluster names one id twice");
    const isFounder = ids.includes(parseHexId(options.memberId) as MemberId);
    if (options.initialClusterState === "join") {
      if (isFounder)
        problems.push("--initial-cluster names this member, which joins: it cannot be among the first");
    } else if (!isFounder) {
      problems.push("--initial-cluster does not name this member's --member-id");
    }
    return problems;
  },
});

/**
 * @throws {ConfigurationError} with every problem.
 * @throws {InformationRequest} for `--help` and `--version`.
 */
export function parseNodeOptions(argv: readonly string[], env: Environment): NodeOptions {
  const { quotaBackendBytes, corruptCheckTime, scrubInterval, ...given } = parse(argv, env);
  const autoCompaction = autoCompactionOf(given);
  return {
    ...given,
    autoCompaction: autoCompaction === "invalid" ? undefined : autoCompaction,
    quotaBytes: quotaBytesOf(quotaBackendBytes),
    corruptCheckMs: validEveryMs(corruptCheckTime),
    scrubIntervalMs: validEveryMs(scrubInterval),
    memberId: parseHexId(given.memberId) as MemberId,
    cluster: parseClusterName(given.cluster),
    clusterId: parseHexId(given.clusterId),
    initialCluster: (given.initialCluster ?? []).map(parseMember),
    listenMetricsUrl: given.listenMetricsUrl ?? [],
    clientUrls: given.clientUrls ?? [],
    peerUrls: given.peerUrls ?? [],
  };
}

function autoCompactionOf(options: {
  readonly autoCompactionMode: AutoCompactionMode;
  readonly autoCompactionRetention: string;
}): ReturnType<typeof parseAutoCompaction> {
  return parseAutoCompaction(options.autoCompactionMode, options.autoCompactionRetention);
}

/** As etcd reads its option of that name, but for the default. */
export function quotaBytesOf(given: number): number {
  if (given < 0) return Infinity;
  return given === 0 ? DEFAULT_QUOTA_BYTES : given;
}

const EVERY_MS_MIN = 1000;

/** @returns `undefined` for "0": never. */
function everyMsOf(given: string): number | undefined | "invalid" {
  if (given === "0") return undefined;
  const everyMs = parseDurationMs(given);
  return everyMs === undefined || everyMs < EVERY_MS_MIN ? "invalid" : everyMs;
}

function validEveryMs(given: string): number | undefined {
  const everyMs = everyMsOf(given);
  return everyMs === "invalid" ? undefined : everyMs;
}

function parseMember(text: string): InitialMember {
  const [name = "", id = ""] = text.split("=");
  return { name, id: parseHexId(id) as MemberId };
}
