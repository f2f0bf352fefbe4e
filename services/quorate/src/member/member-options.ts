import {
  BROKER_OPTIONS,
  defineOptions,
  integer,
  listenUrl,
  listOf,
  matching,
  oneOf,
  onOrOff,
  parseDurationMs,
  text,
  type Environment,
} from "@quorate/config";
import { checkTlsSettings, ETCD_COMPATIBLE_VERSION, TLS_SETTINGS } from "@quorate/kv-gateway";
import { flagsOfFile } from "./config-file";
import { flagsOfEnvironment, takeEtcdFlags } from "./etcd-flags";
import { parseInitialCluster } from "./member-ids";

const DURATION = /\d+(?:\.\d+)?(?:ns|us|ms|s|m|h)(?:\d+(?:\.\d+)?(?:ns|us|ms|s|m|h))*|0/;
/** etcd demands it too: a leader must be heard several times before it is given up. */
const HEARTBEATS_PER_ELECTION_MIN = 5;

const OPTIONS = {
  name: {
    schema: matching(/[A-Za-z0-9_.-]{1,64}/, "1 to 64 letters, digits, _, . and -"),
    description: "This member",
    default: "default",
  },
  dataDir: {
    schema: text().optional(),
    description: "Where it keeps everything; NAME.quorate unless given",
  },
  listenClientUrls: {
    schema: listOf(listenUrl),
    description: "Where etcd clients connect",
    default: ["http://localhost:2379"],
  },
  advertiseClientUrls: {
    schema: listOf(listenUrl).optional(),
    description: "What clients are told to connect to; where this member listens unless given",
  },
  listenMetricsUrls: {
    schema: listOf(listenUrl).optional(),
    description: "Where metrics and health are served as well, and nothing else",
  },
  listenPeerUrls: {
    schema: listOf(listenUrl),
    description: "Where the other members' brokers connect; one",
    default: ["http://localhost:2380"],
  },
  initialAdvertisePeerUrls: {
    schema: listOf(listenUrl).optional(),
    description: "What the others are told to reach this member by; where it listens unless given",
  },
  initialCluster: {
    schema: matching(
      /[A-Za-z0-9_.-]+=https?:\/\/[^\s,=]+:\d+(?:,[A-Za-z0-9_.-]+=https?:\/\/[^\s,=]+:\d+)*/,
      "NAME=PEER_URL,NAME=PEER_URL,...",
    ).optional(),
    description:
      "The members that the cluster begins with, or, for one that joins, those that are there; this one alone unless given",
  },
  initialClusterState: {
    schema: oneOf("new", "existing"),
    description:
      "What an empty data directory means: that the cluster is founded, or that this member was added to one that runs",
    default: "new",
  },
  initialClusterToken: {
    schema: matching(
      /[A-Za-z0-9_-]{1,64}/,
      "1 to 64 letters, digits, _ and -, since it is part of every subject",
    ),
    description: "Name of the cluster",
    default: "etcd-cluster",
  },
  forceNewCluster: {
    schema: onOrOff(),
    description:
      "UNSAFE, for one start: a majority is lost for good, and this survivor becomes the only member of a new cluster, which needs a new --initial-cluster-token",
    default: false,
  },
  listenNatsUrl: {
    schema: matching(/nats:\/\/(?:[^\s/:,[\]@]+|\[[0-9a-fA-F:]+\]):\d{1,5}/, "nats://HOST:PORT"),
    description:
      "Where this member's broker serves applications; several members on one host need different ones",
    default: "nats://127.0.0.1:4222",
  },
  natsUrl: {
    schema: listOf(text()).optional(),
    description: "Brokers that run already; then none is started here, and peer URLs are only names",
  },
  ...BROKER_OPTIONS,
  heartbeatInterval: {
    schema: integer(1, 60_000),
    description: "For the rule below only: a leader is heard ten times per election timeout",
    default: 100,
  },
  electionTimeout: {
    schema: integer(100, 50_000),
    description:
      "How long a follower waits for its leader, in milliseconds: at least this, at most twice as long",
    default: 1000,
  },
  quotaBackendBytes: {
    schema: integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    description:
      "What may be stored before writes are refused and NOSPACE is raised; 0: 8 GiB, negative: no limit",
    default: 0,
  },
  alarmClear: {
    schema: oneOf("auto", "manual"),
    description: "Whether NOSPACE goes by itself, or stays until it is disarmed, as in etcd",
    default: "auto",
  },
  autoCompactionMode: {
    schema: oneOf("periodic", "revision"),
    description: "What --auto-compaction-retention counts",
    default: "periodic",
  },
  autoCompactionRetention: {
    schema: text(),
    description: "How much history is kept when the leader compacts on its own; 0 is off",
    default: "0",
  },
  maxLearners: { schema: integer(1, 64), description: "Learners that there may be at once", default: 1 },
  snapshotCatchupEntries: {
    schema: integer(1, 100_000_000),
    description: "Applied entries kept in the log for members that lag",
    default: 5000,
  },
  anchor: {
    schema: oneOf("lagging", "strict"),
    description:
      "Whether the file that tells how long the log is follows it shortly, or before each acknowledgement",
    default: "lagging",
  },
  ballastBytes: {
    schema: integer(0, Number.MAX_SAFE_INTEGER),
    description: "Size of the file that a member gives up to start again on a full disk; 0: none",
    default: 64 * 1024 * 1024,
  },
  corruptCheckTime: {
    schema: matching(DURATION, "a time such as 6h, or 0"),
    description: "How often the members are compared by their hashes; 0 is never",
    default: "6h",
  },
  initialCorruptCheck: {
    schema: oneOf("on", "off", "true", "false"),
    description: "Whether a member compares itself with the others before it serves",
    default: "off",
  },
  scrubInterval: {
    schema: matching(DURATION, "a time such as 24h, or 0"),
    description: "Within which time a member reads everything that it stores once; 0 is never",
    default: "24h",
  },
  watchProgressNotifyInterval: {
    schema: matching(DURATION, "a time such as 10m"),
    description: "How often watchers that asked for it are told of progress",
    default: "10m",
  },
  eventSubjects: {
    schema: oneOf("on", "off"),
    description: "Whether changes are published as plain messages, too",
    default: "off",
  },
  ...TLS_SETTINGS,
  peerCertFile: {
    schema: text().optional(),
    description: "Certificate of this member's broker for the others'",
  },
  peerKeyFile: { schema: text().optional(), description: "Its key" },
  peerTrustedCaFile: { schema: text().optional(), description: "Who signs the brokers' certificates" },
  peerClientCertAuth: {
    schema: onOrOff(),
    description:
      "Whether brokers that connect need a certificate; --peer-trusted-ca-file alone means that too",
    default: false,
  },
  shutdownDelayMs: {
    schema: integer(0, 600_000),
    description:
      "How long everything is still served after SIGTERM, in milliseconds, while /readyz says that this member ends: the time that load balancers have to send clients elsewhere",
    default: 1000,
  },
  logLevel: {
    schema: oneOf("trace", "debug", "info", "warn", "error"),
    description: "Least severe lines that are logged",
    default: "info",
  },
} as const;

const parse = defineOptions({
  name: "quorate member",
  description:
    "Runs one member of a cluster as one process: raft-node, gateway and watch-fanout, and a broker of its own. It takes etcd's flags, " +
    "ETCD_* and QUORATE_* variables, or a file (--config-file), which then is all that counts.",
  version: ETCD_COMPATIBLE_VERSION,
  options: OPTIONS,
  check: (options) => {
    const { name, natsUrl, listenPeerUrls, electionTimeout, heartbeatInterval } = options;
    const problems = checkTlsSettings(options, [
      ...options.listenClientUrls,
      ...(options.listenMetricsUrls ?? []),
    ]);
    if (listenPeerUrls.length > 1)
      problems.push("--listen-peer-urls: a broker listens for others at one address");
    const advertised = advertisedPeerUrls(options);
    if (options.initialCluster !== undefined) {
      const own = parseInitialCluster(options.initialCluster).find((founder) => founder.name === name);
      if (own === undefined) problems.push(`--initial-cluster does not name ${name}, which is --name`);
      else if (own.peerUrls.join() !== [...advertised].sort().join())
        problems.push(
          `--initial-cluster has ${own.peerUrls.join()} for ${name}, but --initial-advertise-peer-urls is ${advertised.join()}`,
        );
    }
    if (electionTimeout < heartbeatInterval * HEARTBEATS_PER_ELECTION_MIN)
      problems.push(
        `--election-timeout must be at least ${HEARTBEATS_PER_ELECTION_MIN} times --heartbeat-interval`,
      );
    const peerTls = [options.peerCertFile, options.peerKeyFile, options.peerTrustedCaFile];
    const isEncrypted = listenPeerUrls.some((url) => url.startsWith("https:"));
    if (natsUrl === undefined && isEncrypted && peerTls.includes(undefined))
      problems.push(
        "an https:// peer URL needs --peer-cert-file, --peer-key-file and --peer-trusted-ca-file: brokers prove to each other who they are",
      );
    const login = [
      options.brokerCredentials,
      options.brokerTrustedCaFile,
      options.brokerCertFile,
      options.brokerKeyFile,
    ];
    if (natsUrl === undefined && login.some((given) => given !== undefined))
      problems.push(
        "--broker-credentials and its like are for --nats-url: a member knows how to log in to a broker of its own",
      );
    return problems;
  },
});

export type MemberOptions = ReturnType<typeof parse>;

/** Those of the flags that take no value. */
const SWITCHES = new Set(
  Object.entries(OPTIONS)
    .filter(([, option]) => "default" in option && typeof option.default === "boolean")
    .map(([name]) => name.replace(/([a-z0-9])([A-Z])/g, "$1-$2").toLowerCase()),
);

/**
 * What a member is told: by a file, or by flags, `QUORATE_*` and `ETCD_*` variables, in this order of precedence.
 *
 * @throws {ConfigurationError} with every problem.
 * @throws {InformationRequest} for `--help` and `--version`.
 */
export function parseMemberOptions(
  argv: readonly string[],
  env: Environment,
): { readonly options: MemberOptions; readonly warnings: readonly string[] } {
  const file = configFileOf(argv) ?? (env["ETCD_CONFIG_FILE"] || env["QUORATE_CONFIG_FILE"] || undefined);
  const given = new Set(argv.map((word) => /^--?([a-z][a-z0-9-]*)/.exec(word)?.[1] ?? ""));
  for (const variable of Object.keys(env)) {
    if (variable.startsWith("QUORATE_")) given.add(variable.slice(8).toLowerCase().replaceAll("_", "-"));
  }
  const words = file === undefined ? [...flagsOfEnvironment(env, given), ...argv] : flagsOfFile(file);
  const { args, warnings } = takeEtcdFlags(words, SWITCHES);
  const ignored = argv.length > 2 || (argv.length === 2 && !argv[0]!.includes("="));
  return {
    options: parse(args, file === undefined ? env : {}),
    warnings:
      file !== undefined && ignored
        ? [...warnings, `other flags and variables are ignored because of the configuration file ${file}`]
        : warnings,
  };
}

export function advertisedPeerUrls(options: {
  readonly initialAdvertisePeerUrls?: readonly string[] | undefined;
  readonly listenPeerUrls: readonly string[];
}): readonly string[] {
  return options.initialAdvertisePeerUrls ?? options.listenPeerUrls;
}

/** Validated before: a time that is allowed is one. */
export function durationMs(given: string): number {
  return parseDurationMs(given) ?? 0;
}

function configFileOf(argv: readonly string[]): string | undefined {
  const at = argv.findIndex((word) => /^--?config-file(=|$)/.test(word));
  if (at < 0) return undefined;
  const [, inline] = /^--?config-file=(.*)$/s.exec(argv[at]!) ?? [];
  return inline ?? argv[at + 1] ?? "";
}
