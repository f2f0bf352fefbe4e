import { ConfigurationError, type Environment } from "@quorate/config";

/**
 * etcd's flags that mean nothing here, with what is to be known about it. They are taken with a warning, so that a manifest made for
 * etcd starts a member. Names without `experimental-`, which etcd has put before many of them in some version.
 */
const WITHOUT_EFFECT: Readonly<Record<string, string>> = {
  "snapshot-count": "the log is compacted by --log-keep-entries and --log-keep-bytes",
  "max-snapshots": "a member keeps no files of old snapshots",
  "max-wals": "a member keeps no files of old logs",
  logger: "logs are JSON lines, or text in a terminal",
  "log-outputs": "logs go to standard output",
  "log-format": "logs are JSON lines, or text in a terminal",
  "log-package-levels": "use --log-level",
  "enable-log-rotation": "logs go to standard output",
  "log-rotation-config-json": "logs go to standard output",
  "enable-grpc-gateway": "HTTP/JSON is served on every client address",
  "socket-reuse-port": "",
  "socket-reuse-address": "",
  "memory-mlock": "",
  "backend-batch-interval": "",
  "backend-batch-limit": "",
  "backend-bbolt-freelist-type": "",
  "bootstrap-defrag-threshold-megabytes": "there is nothing to defragment",
  "initial-election-tick-advance": "",
  metrics: "all metrics are shown",
  "enable-pprof": "",
  "max-concurrent-streams": "",
  "grpc-keepalive-min-time": "one ping in 5 s is allowed, as in etcd unless set",
  "grpc-keepalive-interval": "quiet connections are probed after 2 h, as in etcd unless set",
  "grpc-keepalive-timeout": "a probe may stay unanswered for 20 s, as in etcd unless set",
  "raft-read-timeout": "",
  "raft-write-timeout": "",
  "compaction-batch-limit": "",
  "compaction-sleep-interval": "",
  "compact-hash-check-enabled": "members are compared while they run",
  "compact-hash-check-time": "see --corrupt-check-time",
  "enable-lease-checkpoint": "remaining times survive a change of the leader",
  "enable-lease-checkpoint-persist": "remaining times survive a change of the leader",
  "stop-grpc-service-on-defrag": "there is nothing to defragment",
  "txn-mode-write-with-shared-buffer": "",
  "warning-apply-duration": "",
  "warning-unary-request-duration": "",
  "downgrade-check-time": "",
  "bcrypt-cost": "there are no users yet",
  "auth-token-ttl": "there are no users yet",
  "distributed-tracing-address": "tracing is set by OTEL_* variables",
  "enable-distributed-tracing": "tracing is set by OTEL_* variables",
  "distributed-tracing-service-name": "tracing is set by OTEL_* variables",
  "distributed-tracing-instance-id": "tracing is set by OTEL_* variables",
  "distributed-tracing-sampling-rate": "tracing is set by OTEL_* variables",
  "set-member-localaddr": "",
  "peer-skip-client-san-verification": "brokers look at who has signed",
};

/** Flags that ask for something which this is not, so that going on would be worse than stopping. */
const REFUSED: Readonly<Record<string, string>> = {
  "auto-tls": "certificates are not made here: give --cert-file and --key-file",
  "peer-auto-tls": "certificates are not made here: give --peer-cert-file and --peer-key-file",
  "wal-dir": "log and state are kept in --data-dir",
  discovery: "name the members in --initial-cluster",
  "discovery-token": "name the members in --initial-cluster",
  "discovery-endpoints": "name the members in --initial-cluster",
  "discovery-srv": "name the members in --initial-cluster",
  "discovery-srv-name": "name the members in --initial-cluster",
  "listen-client-http-urls": "gRPC and HTTP share the client addresses",
  "unsafe-no-fsync": "writes are always synced before they are acknowledged",
  "peer-cert-allowed-cn": "members are told by who has signed their certificate",
  "peer-cert-allowed-hostname": "members are told by who has signed their certificate",
  "client-cert-allowed-hostname": "clients are told by who has signed their certificate",
  "peer-crl-file": "brokers do not read lists of revoked certificates",
  "enable-v2": "the API of etcd 2 is not served",
  proxy: "use a kv-gateway for that",
};

/** Flags that may only say what is so anyway. */
const FIXED: Readonly<Record<string, { readonly values: readonly string[]; readonly why: string }>> = {
  "pre-vote": { values: ["true"], why: "a member asks before it stands for election, always" },
  "strict-reconfig-check": {
    values: ["true"],
    why: "changes that would lose the quorum are refused, always",
  },
  "max-txn-ops": { values: ["128"], why: "a transaction may have 128 operations" },
  "max-request-bytes": { values: ["1572864"], why: "a request may have 1.5 MiB" },
  "auth-token": { values: ["simple"], why: "there are no users yet" },
  cors: { values: ["*", ""], why: "every origin is allowed" },
  "host-whitelist": { values: ["*", ""], why: "every host name is answered" },
};

/** etcd's feature gates that are a flag here, and others that change nothing. */
const GATES: Readonly<Record<string, string | undefined>> = {
  InitialCorruptCheck: "initial-corrupt-check",
};

export interface TakenFlags {
  /** What is left, for our own parser: each as `--name=value`, or alone if it had no value. */
  readonly args: readonly string[];
  /** A sentence for each that has no effect. */
  readonly warnings: readonly string[];
}

/**
 * Reads flags as etcd does: one dash or two, `--name value` or `--name=value`, switches alone or with `=true`; and takes out what
 * has no meaning here.
 *
 * @param switches Names of our own flags that take no value.
 * @throws {ConfigurationError} for flags that are refused.
 */
export function takeEtcdFlags(argv: readonly string[], switches: ReadonlySet<string>): TakenFlags {
  const args: string[] = [];
  const warnings: string[] = [];
  const problems: { source: string; given: string | undefined; allowed: string }[] = [];
  const take = (name: string, value: string | undefined): void => {
    const plain = name.replace(/^experimental-/, "");
    const flag = `--${name}`;
    const refusal = REFUSED[plain];
    const fixed = FIXED[plain];
    if (plain === "feature-gates") {
      for (const gate of (value ?? "").split(",")) takeGate(gate);
    } else if (refusal !== undefined) {
      if (value !== "false")
        problems.push({ source: flag, given: value, allowed: `is not possible: ${refusal}` });
    } else if (fixed !== undefined) {
      if (!fixed.values.includes(value ?? "true"))
        problems.push({ source: flag, given: value, allowed: `cannot be changed: ${fixed.why}` });
    } else if (plain in WITHOUT_EFFECT) {
      warnings.push(`${flag} has no effect${reason(WITHOUT_EFFECT[plain])}`);
    } else if (switches.has(plain) && (value === "true" || value === "false")) {
      args.push(value === "true" ? `--${plain}` : `--no-${plain}`);
    } else args.push(value === undefined ? `--${plain}` : `--${plain}=${value}`);
  };
  const takeGate = (text: string): void => {
    const [gate = "", value = "true"] = text.trim().split("=");
    const flag = GATES[gate];
    if (flag !== undefined) args.push(`--${flag}=${value === "true" ? "on" : "off"}`);
    else if (gate !== "") warnings.push(`feature gate ${gate} has no effect`);
  };
  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at]!;
    const match = /^--?([a-z][a-z0-9-]*)(?:=(.*))?$/s.exec(word);
    if (match === null) {
      args.push(word);
      continue;
    }
    const [, name = "", inline] = match;
    const next = argv[at + 1];
    // etcd's switches never take the next word; the rest always does.
    const isSwitch = switches.has(name) || isEtcdSwitch(name);
    const takesNext = inline === undefined && !isSwitch && next !== undefined && !/^--?[a-z]/.test(next);
    take(name, inline ?? (takesNext ? next : undefined));
    if (takesNext) at += 1;
  }
  if (problems.length > 0) throw new ConfigurationError(problems);
  return { args, warnings };
}

/**
 * etcd's variables (`ETCD_LISTEN_CLIENT_URLS`) as flags; a flag of the command line wins over its variable.
 *
 * @param given Flags of the command line, without dashes.
 */
export function flagsOfEnvironment(env: Environment, given: ReadonlySet<string>): string[] {
  return Object.entries(env).flatMap(([variable, value]) => {
    const match = /^ETCD_([A-Z][A-Z0-9_]*)$/.exec(variable);
    if (match === null || value === undefined || value === "") return [];
    const name = match[1]!.toLowerCase().replaceAll("_", "-");
    return given.has(name) || name === "config-file" || name === "version" ? [] : [`--${name}=${value}`];
  });
}

const ETCD_SWITCHES = new Set([
  "enable-grpc-gateway",
  "enable-log-rotation",
  "enable-pprof",
  "socket-reuse-port",
  "socket-reuse-address",
  "memory-mlock",
  "initial-election-tick-advance",
  "pre-vote",
  "strict-reconfig-check",
  "auto-tls",
  "peer-auto-tls",
  "unsafe-no-fsync",
  "enable-v2",
  "peer-skip-client-san-verification",
]);

function isEtcdSwitch(name: string): boolean {
  return ETCD_SWITCHES.has(name) || name.startsWith("experimental-enable-");
}

function reason(text: string | undefined): string {
  return text === undefined || text === "" ? "" : `: ${text}`;
}
