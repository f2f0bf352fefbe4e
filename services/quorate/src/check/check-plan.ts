import type { GatewayProcessOptions } from "@quorate/kv-gateway";
import { quotaBytesOf, type NodeOptions } from "@quorate/raft-node";
import type { FanoutProcessOptions } from "@quorate/watch-fanout";
import { advertisedPeerUrls, type MemberOptions } from "../member/member-options";
import { parseInitialCluster } from "../member/member-ids";
import { memberPlaceOf } from "../member/service-options";

/** An address that a process will listen on. */
export interface PlannedAddress {
  readonly flag: string;
  /** `SCHEME://HOST:PORT`. */
  readonly url: string;
}

/** Certificates that a process will show. */
export interface PlannedCertificate {
  readonly flag: string;
  readonly cert: string;
  readonly key: string;
  readonly trustedCa: string | undefined;
  /** Hosts that others will reach it by. */
  readonly hosts: readonly string[];
  /** Whether others of its kind verify it against `trustedCa`. */
  readonly isSignedByTrusted: boolean;
}

/** What can be looked at before a process is started, whichever it is. */
export interface CheckPlan {
  readonly service: "member" | "raft-node" | "kv-gateway" | "watch-fanout";
  readonly data: PlannedData | undefined;
  readonly listens: readonly PlannedAddress[];
  readonly certificates: readonly PlannedCertificate[];
  /** That must run already. */
  readonly brokers: readonly string[];
  /** Peer URLs of the other members, where it will meet them. */
  readonly peers: readonly string[];
  /** Whether it starts one itself. */
  readonly startsBroker: boolean;
  /** `undefined`: it does not say. */
  readonly voters: number | undefined;
  /** Where the cluster may be asked about itself, if it runs. */
  readonly cluster: { readonly name: string; readonly natsUrl: readonly string[] };
}

export interface PlannedData {
  readonly dir: string;
  /** The raft-node's own directory, which may be below. */
  readonly nodeDir: string;
  readonly quotaBytes: number;
  /** Of a `quorate member`. */
  readonly member: { readonly name: string; readonly cluster: string } | undefined;
}

export function planOfMember(options: MemberOptions): CheckPlan {
  const { name, initialClusterToken, listenClientUrls, natsUrl, initialCluster } = options;
  const place = memberPlaceOf(options);
  const startsBroker = natsUrl === undefined;
  const advertised = options.advertiseClientUrls ?? listenClientUrls;
  return {
    service: "member",
    data: {
      dir: place.dataDir,
      nodeDir: place.nodeDir,
      quotaBytes: quotaBytesOf(options.quotaBackendBytes),
      member: { name, cluster: initialClusterToken },
    },
    listens: [
      ...addresses("--listen-client-urls", listenClientUrls),
      ...addresses("--listen-metrics-urls", options.listenMetricsUrls),
      ...(startsBroker ? addresses("--listen-peer-urls", options.listenPeerUrls) : []),
      ...(startsBroker ? addresses("--listen-nats-url", [options.listenNatsUrl]) : []),
    ],
    certificates: [
      ...certificate(
        "--cert-file",
        options.certFile,
        options.keyFile,
        options.trustedCaFile,
        advertised,
        false,
      ),
      ...(startsBroker
        ? certificate(
            "--peer-cert-file",
            options.peerCertFile,
            options.peerKeyFile,
            options.peerTrustedCaFile,
            advertisedPeerUrls(options),
            true,
          )
        : []),
    ],
    brokers: natsUrl ?? [],
    peers: startsBroker
      ? place.founders.filter((founder) => founder.name !== name).flatMap(({ peerUrls }) => peerUrls)
      : [],
    startsBroker,
    voters: initialCluster === undefined ? 1 : parseInitialCluster(initialCluster).length,
    cluster: { name: initialClusterToken, natsUrl: place.natsUrl },
  };
}

export function planOfNode(options: NodeOptions): CheckPlan {
  const { dataDir, quotaBytes, listenMetricsUrl, initialCluster } = options;
  return {
    service: "raft-node",
    data: { dir: dataDir, nodeDir: dataDir, quotaBytes, member: undefined },
    listens: addresses("--listen-metrics-url", listenMetricsUrl),
    certificates: [],
    brokers: options.natsUrl,
    peers: [],
    startsBroker: false,
    voters: initialCluster.length > 0 ? initialCluster.length : undefined,
    cluster: { name: options.cluster, natsUrl: options.natsUrl },
  };
}

export function planOfGateway(options: GatewayProcessOptions): CheckPlan {
  return {
    service: "kv-gateway",
    data: undefined,
    listens: [
      ...addresses("--listen-client-url", options.listenClientUrl),
      ...addresses("--listen-metrics-url", options.listenMetricsUrl),
    ],
    certificates: certificate(
      "--cert-file",
      options.certFile,
      options.keyFile,
      options.trustedCaFile,
      options.advertiseClientUrl,
      false,
    ),
    brokers: options.natsUrl,
    peers: [],
    startsBroker: false,
    voters: undefined,
    cluster: { name: options.cluster, natsUrl: options.natsUrl },
  };
}

export function planOfFanout(options: FanoutProcessOptions): CheckPlan {
  return {
    service: "watch-fanout",
    data: undefined,
    listens: addresses("--listen-metrics-url", options.listenMetricsUrl),
    certificates: [],
    brokers: options.natsUrl,
    peers: [],
    startsBroker: false,
    voters: undefined,
    cluster: { name: options.cluster, natsUrl: options.natsUrl },
  };
}

function addresses(flag: string, urls: readonly string[] | undefined): PlannedAddress[] {
  return (urls ?? []).map((url) => ({ flag, url }));
}

function certificate(
  flag: string,
  cert: string | undefined,
  key: string | undefined,
  trustedCa: string | undefined,
  advertised: readonly string[],
  isSignedByTrusted: boolean,
): PlannedCertificate[] {
  if (cert === undefined || key === undefined) return [];
  const hosts = advertised
    .filter((url) => url.startsWith("https:"))
    .map((url) => new URL(url).hostname.replace(/^\[|\]$/g, ""));
  return [{ flag, cert, key, trustedCa, hosts, isSignedByTrusted }];
}
