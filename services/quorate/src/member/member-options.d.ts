import { type Environment } from "@quorate/config";
declare const parse: import("@quorate/config").OptionsParser<{
    readonly peerCertFile: {
        readonly schema: import("zod").ZodOptional<import("zod").ZodType<string, unknown, import("zod/v4/core").$ZodTypeInternals<string, unknown>>>;
        readonly description: "Certificate of this member's broker for the others'";
    };
    readonly peerKeyFile: {
        readonly schema: import("zod").ZodOptional<import("zod").ZodType<string, unknown, import("zod/v4/core").$ZodTypeInternals<string, unknown>>>;
        readonly description: "Its key";
    };
    readonly peerTrustedCaFile: {
        readonly schema: import("zod").ZodOptional<import("zod").ZodType<string, unknown, import("zod/v4/core").$ZodTypeInternals<string, unknown>>>;
        readonly description: "Who signs the brokers' certificates";
    };
    readonly peerClientCertAuth: {
        readonly schema: import("zod").ZodBoolean;
        readonly description: "Whether brokers that connect need a certificate; --peer-trusted-ca-file alone means that too";
        readonly default: false;
    };
    readonly logLevel: {
        readonly schema: import("zod").ZodType<"trace" | "debug" | "info" | "warn" | "error", unknown, import("zod/v4/core").$ZodTypeInternals<"trace" | "debug" | "info" | "warn" | "error", unknown>>;
        readonly description: "Least severe lines that are logged";
        readonly default: "info";
    };
    readonly certFile: {
        readonly schema: import("zod").ZodOptional<import("zod").ZodType<string, unknown, import("zod/v4/core").$ZodTypeInternals<string, unknown>>>;
        readonly description: "certificate for https:// addresses, as PEM; what replaces it on disk counts from then on";
    };
    readonly keyFile: {
        readonly schema: import("zod").ZodOptional<import("zod").ZodType<string, unknown, import("zod/v4/core").$ZodTypeInternals<string, unknown>>>;
        readonly description: "its key";
    };
    readonly trustedCaFile: {
        readonly schema: import("zod").ZodOptional<import("zod").ZodType<string, unknown, import("zod/v4/core").$ZodTypeInternals<string, unknown>>>;
        readonly description: "who signs the clients' certificates, as PEM; without one of them no client gets in";
    };
    readonly clientCertAuth: {
        readonly schema: import("zod").ZodBoolean;
        readonly description: "whether clients need a certificate; --trusted-ca-file alone means that too";
        readonly default: false;
    };
    readonly clientCrlFile: {
        readonly schema: import("zod").ZodOptional<import("zod").ZodType<string, unknown, import("zod/v4/core").$ZodTypeInternals<string, unknown>>>;
        readonly description: "certificates of clients that count no more, as PEM";
    };
    readonly cipherSuites: {
        readonly schema: import("zod").ZodOptional<import("zod").ZodType<readonly string[], unknown, import("zod/v4/core").$ZodTypeInternals<readonly string[], unknown>>>;
        readonly description: "what TLS 1.2 may be spoken with, by the names of the IANA";
    };
    readonly tlsMinVersion: {
        readonly schema: import("zod").ZodType<"TLS1.2" | "TLS1.3", unknown, import("zod/v4/core").$ZodTypeInternals<"TLS1.2" | "TLS1.3", unknown>>;
        readonly description: "the oldest TLS spoken";
        readonly default: "TLS1.2";
    };
    readonly tlsMaxVersion: {
        readonly schema: import("zod").ZodType<"TLS1.2" | "TLS1.3", unknown, import("zod/v4/core").$ZodTypeInternals<"TLS1.2" | "TLS1.3", unknown>>;
        readonly description: "the newest";
        readonly default: "TLS1.3";
    };
    readonly name: {
        readonly schema: import("zod").ZodType<string, unknown, import("zod/v4/core").$ZodTypeInternals<string, unknown>>;
        readonly description: "This member";
        readonly default: "default";
    };
    readonly dataDir: {
        readonly schema: import("zod").ZodOptional<import("zod").ZodType<string, unknown, import("zod/v4/core").$ZodTypeInternals<string, unknown>>>;
        readonly description: "Where it keeps everything; NAME.quorate unless given";
    };
    readonly listenClientUrls: {
        readonly schema: import("zod").ZodType<readonly string[], unknown, import("zod/v4/core").$ZodTypeInternals<readonly string[], unknown>>;
        readonly description: "Where etcd clients connect";
        readonly default: readonly ["http://localhost:2379"];
    };
    readonly advertiseClientUrls: {
        readonly schema: import("zod").ZodOptional<import("zod").ZodType<readonly string[], unknown, import("zod/v4/core").$ZodTypeInternals<readonly string[], unknown>>>;
        readonly description: "What clients are told to connect to; where this member listens unless given";
    };
    readonly listenMetricsUrls: {
        readonly schema: import("zod").ZodOptional<import("zod").ZodType<readonly string[], unknown, import("zod/v4/core").$ZodTypeInternals<readonly string[], unknown>>>;
        readonly description: "Where metrics and health are served as well, and nothing else";
    };
    readonly listenPeerUrls: {
        readonly schema: import("zod").ZodType<readonly string[], unknown, import("zod/v4/core").$ZodTypeInternals<readonly string[], unknown>>;
        readonly description: "Where the other members' brokers connect; one";
        readonly default: readonly ["http://localhost:2380"];
    };
    readonly initialAdvertisePeerUrls: {
        readonly schema: import("zod").ZodOptional<import("zod").ZodType<readonly string[], unknown, import("zod/v4/core").$ZodTypeInternals<readonly string[], unknown>>>;
        readonly description: "What the others are told to reach this member by; where it listens unless given";
    };
    readonly initialCluster: {
        readonly schema: import("zod").ZodOptional<import("zod").ZodType<string, unknown, import("zod/v4/core").$ZodTypeInternals<string, unknown>>>;
        readonly description: "The members that the cluster begins with, or, for one that joins, those that are there; this one alone unless given";
    };
    readonly initialClusterState: {
        readonly schema: import("zod").ZodType<"new" | "existing", unknown, import("zod/v4/core").$ZodTypeInternals<"new" | "existing", unknown>>;
        readonly description: "What an empty data directory means: that the cluster is founded, or that this member was added to one that runs";
        readonly default: "new";
    };
    readonly initialClusterToken: {
        readonly schema: import("zod").ZodType<string, unknown, import("zod/v4/core").$ZodTypeInternals<string, unknown>>;
        readonly description: "Name of the cluster";
        readonly default: "etcd-cluster";
    };
    readonly forceNewCluster: {
        readonly schema: import("zod").ZodBoolean;
        readonly description: "UNSAFE, for one start: a majority is lost for good, and this survivor becomes the only member of a new cluster, which needs a new --initial-cluster-token";
        readonly default: false;
    };
    readonly listenNatsUrl: {
        readonly schema: import("zod").ZodType<string, unknown, import("zod/v4/core").$ZodTypeInternals<string, unknown>>;
        readonly description: "Where this member's broker serves applications; several members on one host need different ones";
        readonly default: "nats://127.0.0.1:4222";
    };
    readonly natsUrl: {
        readonly schema: import("zod").ZodOptional<import("zod").ZodType<readonly string[], unknown, import("zod/v4/core").$ZodTypeInternals<readonly string[], unknown>>>;
        readonly description: "Brokers that run already; then none is started here, and peer URLs are only names";
    };
    readonly heartbeatInterval: {
        readonly schema: import("zod").ZodType<number, unknown, import("zod/v4/core").$ZodTypeInternals<number, unknown>>;
        readonly description: "For the rule below only: a leader is heard ten times per election timeout";
        readonly default: 100;
    };
    readonly electionTimeout: {
        readonly schema: import("zod").ZodType<number, unknown, import("zod/v4/core").$ZodTypeInternals<number, unknown>>;
        readonly description: "How long a follower waits for its leader, in milliseconds: at least this, at most twice as long";
        readonly default: 1000;
    };
    readonly quotaBackendBytes: {
        readonly schema: import("zod").ZodType<number, unknown, import("zod/v4/core").$ZodTypeInternals<number, unknown>>;
        readonly description: "What may be stored before writes are refused and NOSPACE is raised; 0: 8 GiB, negative: no limit";
        readonly default: 0;
    };
    readonly alarmClear: {
        readonly schema: import("zod").ZodType<"auto" | "manual", unknown, import("zod/v4/core").$ZodTypeInternals<"auto" | "manual", unknown>>;
        readonly description: "Whether NOSPACE goes by itself, or stays until it is disarmed, as in etcd";
        readonly default: "auto";
    };
    readonly autoCompactionMode: {
        readonly schema: import("zod").ZodType<"periodic" | "revision", unknown, import("zod/v4/core").$ZodTypeInternals<"periodic" | "revision", unknown>>;
        readonly description: "What --auto-compaction-retention counts";
        readonly default: "periodic";
    };
    readonly autoCompactionRetention: {
        readonly schema: import("zod").ZodType<string, unknown, import("zod/v4/core").$ZodTypeInternals<string, unknown>>;
        readonly description: "How much history is kept when the leader compacts on its own; 0 is off";
        readonly default: "0";
    };
    readonly maxLearners: {
        readonly schema: import("zod").ZodType<number, unknown, import("zod/v4/core").$ZodTypeInternals<number, unknown>>;
        readonly description: "Learners that there may be at once";
        readonly default: 1;
    };
    readonly snapshotCatchupEntries: {
        readonly schema: import("zod").ZodType<number, unknown, import("zod/v4/core").$ZodTypeInternals<number, unknown>>;
        readonly description: "Applied entries kept in the log for members that lag";
        readonly default: 5000;
    };
    readonly anchor: {
        readonly schema: import("zod").ZodType<"lagging" | "strict", unknown, import("zod/v4/core").$ZodTypeInternals<"lagging" | "strict", unknown>>;
        readonly description: "Whether the file that tells how long the log is follows it shortly, or before each acknowledgement";
        readonly default: "lagging";
    };
    readonly ballastBytes: {
        readonly schema: import("zod").ZodType<number, unknown, import("zod/v4/core").$ZodTypeInternals<number, unknown>>;
        readonly description: "Size of the file that a member gives up to start again on a full disk; 0: none";
        readonly default: number;
    };
    readonly corruptCheckTime: {
        readonly schema: import("zod").ZodType<string, unknown, import("zod/v4/core").$ZodTypeInternals<string, unknown>>;
        readonly description: "How often the members are compared by their hashes; 0 is never";
        readonly default: "6h";
    };
    readonly initialCorruptCheck: {
        readonly schema: import("zod").ZodType<"true" | "false" | "on" | "off", unknown, import("zod/v4/core").$ZodTypeInternals<"true" | "false" | "on" | "off", unknown>>;
        readonly description: "Whether a member compares itself with the others before it serves";
        readonly default: "off";
    };
    readonly scrubInterval: {
        readonly schema: import("zod").ZodType<string, unknown, import("zod/v4/core").$ZodTypeInternals<string, unknown>>;
        readonly description: "Within which time a member reads everything that it stores once; 0 is never";
        readonly default: "24h";
    };
    readonly watchProgressNotifyInterval: {
        readonly schema: import("zod").ZodType<string, unknown, import("zod/v4/core").$ZodTypeInternals<string, unknown>>;
        readonly description: "How often watchers that asked for it are told of progress";
        readonly default: "10m";
    };
    readonly eventSubjects: {
        readonly schema: import("zod").ZodType<"on" | "off", unknown, import("zod/v4/core").$ZodTypeInternals<"on" | "off", unknown>>;
        readonly description: "Whether changes are published as plain messages, too";
        readonly default: "off";
    };
}>;
export type MemberOptions = ReturnType<typeof parse>;
/**
 * What a member is told: by a file, or by flags, `QUORATE_*` and `ETCD_*` variables, in this order of precedence.
 *
 * @throws {ConfigurationError} with every problem.
 * @throws {InformationRequest} for `--help` and `--version`.
 */
export declare function parseMemberOptions(argv: readonly string[], env: Environment): {
    readonly options: MemberOptions;
    readonly warnings: readonly string[];
};
export declare function advertisedPeerUrls(options: {
    readonly initialAdvertisePeerUrls?: readonly string[] | undefined;
    readonly listenPeerUrls: readonly string[];
}): readonly string[];
/** Validated before: a time that is allowed is one. */
export declare function durationMs(given: string): number;
export {};
//# sourceMappingURL=member-options.d.ts.map