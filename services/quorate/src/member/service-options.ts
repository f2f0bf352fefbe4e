import { join, resolve } from "node:path";
import { hexId } from "@quorate/base";
import { parseGatewayOptions, type GatewayProcessOptions } from "@quorate/kv-gateway";
import type { MemberId } from "@quorate/raft";
import { parseNodeOptions, type NodeOptions } from "@quorate/raft-node";
import { parseFanoutOptions, type FanoutProcessOptions } from "@quorate/watch-fanout";
import { brokerCredentialsPath } from "./broker-files";
import type { MemberIdentity } from "./member-file";
import { founderId, parseInitialCluster, type Founder } from "./member-ids";
import { advertisedPeerUrls, durationMs, type MemberOptions } from "./member-options";

/** What a member's services are told beside its options. They go through the services' own parsers, so that these see to limits. */
export interface MemberPlace {
  /** Absolute. */
  readonly dataDir: string;
  /** The raft-node's part of it. */
  readonly nodeDir: string;
  readonly natsUrl: readonly string[];
  /** How it logs in there; see BrokerSettings. */
  readonly brokerCredentials: string | undefined;
  readonly founders: readonly Founder[];
}

/** How long services try to reach a broker at the start, in milliseconds: it starts at the same time. */
export const BROKER_WAIT_MS = 30_000;
/** As often as a gateway may be told to. */
const PROGRESS_MS_MIN = 100;

/** Where a member is, by what it is told. */
export function memberPlaceOf(options: MemberOptions): MemberPlace {
  const { name, initialCluster } = options;
  const dataDir = resolve(options.dataDir ?? `${name}.quorate`);
  return {
    dataDir,
    nodeDir: join(dataDir, "member"),
    brokerCredentials:
      options.natsUrl === undefined ? brokerCredentialsPath(dataDir, "member") : options.brokerCredentials,
    natsUrl: options.natsUrl ?? [reachable(options.listenNatsUrl)],
    founders:
      initialCluster === undefined
        ? [{ name, peerUrls: [...advertisedPeerUrls(options)].sort() }]
        : parseInitialCluster(initialCluster),
  };
}

/** Where something that listens everywhere is reached from here. */
function reachable(url: string): string {
  return url.replace("://0.0.0.0:", "://127.0.0.1:").replace("://[::]:", "://[::1]:");
}

type Flags = Readonly<Record<string, string | undefined>>;

export function nodeOptionsOf(
  options: MemberOptions,
  place: MemberPlace,
  { cluster, clusterId, memberId, origin, hasRun }: MemberIdentity,
): NodeOptions {
  const founders = place.founders.map((founder) => ({
    ...founder,
    id: founderId(founder.peerUrls, options.initialClusterToken) as MemberId,
  }));
  const isFounder = origin === "founder" && founders.some(({ id }) => id === memberId);
  const named = isFounder ? founders : [{ name: options.name, id: memberId }];
  const isJoining = origin === "joined" && !hasRun;
  const flags: Flags = {
    ...sharedFlags(options, place),
    "member-id": hexId(memberId),
    cluster,
    "cluster-id": hexId(clusterId),
    "data-dir": place.nodeDir,
    "initial-cluster": isJoining ? undefined : named.map(({ name, id }) => `${name}=${hexId(id)}`).join(),
    "initial-cluster-state": hasRun ? "existing" : isJoining ? "join" : "new",
    "client-urls": (options.advertiseClientUrls ?? options.listenClientUrls).join(),
    "peer-urls": advertisedPeerUrls(options).join(),
    "election-timeout-ms": String(options.electionTimeout),
    "auto-compaction-mode": options.autoCompactionMode,
    "auto-compaction-retention": options.autoCompactionRetention,
    "quota-backend-bytes": String(options.quotaBackendBytes),
    "alarm-clear": options.alarmClear,
    "log-keep-entries": String(options.snapshotCatchupEntries),
    anchor: options.anchor,
    "ballast-bytes": String(options.ballastBytes),
    "corrupt-check-time": options.corruptCheckTime,
    "initial-corrupt-check": ["on", "true"].includes(options.initialCorruptCheck) ? "on" : "off",
    "scrub-interval": options.scrubInterval,
  };
  const switches = options.forceNewCluster ? ["--force-new-cluster"] : [];
  const parsed = parseNodeOptions([...asArguments(flags), ...switches], {});
  return { ...parsed, initialCluster: isFounder ? founders : [] };
}

export function gatewayOptionsOf(
  options: MemberOptions,
  place: MemberPlace,
  memberId: bigint,
): GatewayProcessOptions {
  const flags: Flags = {
    ...sharedFlags(options, place),
    cluster: options.initialClusterToken,
    "listen-client-url": options.listenClientUrls.join(),
    "listen-metrics-url": options.listenMetricsUrls?.join(),
    "advertise-client-url": (options.advertiseClientUrls ?? options.listenClientUrls).join(),
    "home-member": hexId(memberId),
    "max-learners": String(options.maxLearners),
    "election-timeout-ms": String(options.electionTimeout),
    "watch-progress-notify-ms": String(
      Math.max(PROGRESS_MS_MIN, durationMs(options.watchProgressNotifyInterval)),
    ),
    "shutdown-delay-ms": String(options.shutdownDelayMs),
    "spool-directory": join(place.dataDir, "spool"),
    "cert-file": options.certFile,
    "key-file": options.keyFile,
    "trusted-ca-file": options.trustedCaFile,
    "client-crl-file": options.clientCrlFile,
    "cipher-suites": options.cipherSuites?.join(),
    "tls-min-version": options.tlsMinVersion,
    "tls-max-version": options.tlsMaxVersion,
  };
  return parseGatewayOptions(asArguments(flags), {});
}

export function fanoutOptionsOf(options: MemberOptions, place: MemberPlace): FanoutProcessOptions {
  const flags: Flags = {
    ...sharedFlags(options, place),
    cluster: options.initialClusterToken,
    "event-subjects": options.eventSubjects,
  };
  return parseFanoutOptions(asArguments(flags), {});
}

function sharedFlags(options: MemberOptions, { natsUrl, brokerCredentials }: MemberPlace): Flags {
  const { name, logLevel, brokerTrustedCaFile, brokerCertFile, brokerKeyFile } = options;
  return {
    name,
    "nats-url": natsUrl.join(),
    "broker-credentials": brokerCredentials,
    "broker-trusted-ca-file": brokerTrustedCaFile,
    "broker-cert-file": brokerCertFile,
    "broker-key-file": brokerKeyFile,
    "broker-wait-ms": String(BROKER_WAIT_MS),
    "log-level": logLevel,
  };
}

function asArguments(flags: Flags): string[] {
  return Object.entries(flags).flatMap(([flag, value]) =>
    value === undefined ? [] : [`--${flag}=${value}`],
  );
}
