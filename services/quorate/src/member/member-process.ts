import { join, resolve } from "node:path";
import { systemClock } from "@quorate/actor";
import { hexId } from "@quorate/base";
import { QuorateClient } from "@quorate/client";
import { parseGatewayOptions, startGateway } from "@quorate/kv-gateway";
import type { MemberId } from "@quorate/raft";
import {
  EXIT,
  NodeProcess,
  parseNodeOptions,
  PRODUCT_VERSION,
  type Companion,
  type NodeOptions,
  type RunningNode,
} from "@quorate/raft-node";
import { createLogger, startTracing, type Logger } from "@quorate/telemetry";
import { connectPatiently } from "@quorate/transport-nats";
import { parseFanoutOptions, startFanout } from "@quorate/watch-fanout";
import { parseClusterName, Subjects } from "@quorate/wire";
import { findProgram } from "../dev/find-program";
import { admitFounder, admitJoining, answerFounders, type Admission, type ClusterView } from "./admission";
import { writeBrokerConfig } from "./broker-files";
import { BrokerProcess } from "./broker-process";
import { readMember, writeMember, type MemberIdentity } from "./member-file";
import { founderId, foundedClusterId, parseInitialCluster, type Founder } from "./member-ids";
import { advertisedPeerUrls, durationMs, type MemberOptions } from "./member-options";
import { StoredMemberError } from "./stored-member-error";

const BROKER_WAIT_MS = 30_000;
const LOOK_FOR_PEERS_MS = 10_000;
const VIEW_TIMEOUT_MS = 1500;

/** A process that is one member of a cluster, with a gateway, a fan-out and usually a broker of its own. */
export class MemberProcess {
  readonly #logger: Logger;
  readonly #dataDir: string;
  readonly #founders: readonly Founder[];
  readonly #natsUrl: readonly string[];
  readonly #subjects: Subjects;

  constructor(private readonly options: MemberOptions) {
    const { name, logLevel, initialClusterToken } = options;
    this.#logger = createLogger({ service: "quorate", name, level: logLevel });
    this.#dataDir = resolve(options.dataDir ?? `${name}.quorate`);
    const advertised = advertisedPeerUrls(options);
    this.#founders =
      options.initialCluster === undefined
        ? [{ name, peerUrls: [...advertised].sort() }]
        : parseInitialCluster(options.initialCluster);
    this.#natsUrl = options.natsUrl ?? [reachable(options.listenNatsUrl)];
    this.#subjects = new Subjects(parseClusterName(initialClusterToken));
  }

  /** Ends the process when the member ends. */
  async run(warnings: readonly string[]): Promise<void> {
    for (const warning of warnings) this.#logger.warn(warning);
    const leaveEarly = (): never => process.exit(0);
    process.once("SIGTERM", leaveEarly).once("SIGINT", leaveEarly);
    try {
      const stored = readMember(this.#dataDir);
      this.#mustFit(stored);
      const broker = this.options.natsUrl === undefined ? this.#startBroker(stored?.peers ?? []) : undefined;
      const identity = await this.#identify(stored);
      process.off("SIGTERM", leaveEarly).off("SIGINT", leaveEarly);
      await this.#runNode(identity, broker);
    } catch (error) {
      this.#logger.error(`cannot start: ${(error as Error).message}`, {
        code: (error as { code?: string }).code,
      });
      process.exit(error instanceof StoredMemberError ? EXIT.dataDirectory : EXIT.brokerUnavailable);
    }
  }

  #mustFit(stored: MemberIdentity | undefined): void {
    const { initialClusterToken, forceNewCluster } = this.options;
    if (stored === undefined) {
      if (forceNewCluster)
        throw new StoredMemberError(
          `--force-new-cluster is for a member that has run, and ${this.#dataDir} is empty.`,
        );
      return;
    }
    const isOther = stored.cluster !== initialClusterToken;
    if (isOther && !forceNewCluster)
      throw new StoredMemberError(
        `${this.#dataDir} belongs to a member of the cluster ${stored.cluster}, and not of ${initialClusterToken} (--initial-cluster-token).`,
      );
    if (forceNewCluster && !isOther)
      throw new StoredMemberError(
        "--force-new-cluster makes another cluster, which needs another name: give a new --initial-cluster-token, here and from now on.",
      );
  }

  #startBroker(peers: readonly string[]): BrokerProcess {
    const program = findProgram("nats-server");
    if (program === undefined)
      throw new StoredMemberError(
        "nats-server is not installed: install it, or name brokers that run by --nats-url.",
      );
    const { options } = this;
    const { peerCertFile, peerKeyFile, peerTrustedCaFile } = options;
    const [advertisedPeerUrl = ""] = advertisedPeerUrls(options);
    const known = this.#founders
      .filter(({ name }) => name !== options.name)
      .flatMap(({ peerUrls }) => peerUrls);
    const config = writeBrokerConfig(this.#dataDir, {
      name: options.name,
      cluster: options.initialClusterToken,
      listenUrl: options.listenNatsUrl,
      peerUrl: options.listenPeerUrls[0]!,
      advertisedPeerUrl,
      peers: [...new Set([...known, ...peers])].filter((url) => url !== advertisedPeerUrl),
      tls:
        peerCertFile === undefined || peerKeyFile === undefined || peerTrustedCaFile === undefined
          ? undefined
          : { cert: resolve(peerCertFile), key: resolve(peerKeyFile), trustedCa: resolve(peerTrustedCaFile) },
    });
    const broker = new BrokerProcess(
      { command: [program, "-c", config] },
      {
        clock: systemClock,
        logger: this.#logger.child({ service: "nats-server" }),
        failed: (error) => {
          this.#logger.error(`ending: ${error.message}`);
          process.exit(EXIT.brokerUnavailable);
        },
      },
    );
    broker.start();
    return broker;
  }

  /** Who this is: as its directory says, or else the cluster. */
  async #identify(stored: MemberIdentity | undefined): Promise<MemberIdentity> {
    const { name, initialClusterToken: token, forceNewCluster } = this.options;
    if (stored?.hasRun === true) {
      if (!forceNewCluster) return stored;
      const clusterId = foundedClusterId([stored.memberId, founderId([token], token)]);
      return { ...stored, clusterId, cluster: token };
    }
    const admission = await this.#admit();
    const identity = { name, cluster: token, hasRun: false, peers: [], ...admission };
    writeMember(this.#dataDir, identity);
    return identity;
  }

  async #admit(): Promise<Admission> {
    const { name, initialClusterToken: token, initialClusterState } = this.options;
    const logger = this.#logger;
    const peerUrls = advertisedPeerUrls(this.options);
    await using transport = await connectPatiently(
      { servers: this.#natsUrl, name: `quorate member ${name} admission` },
      { waitMs: BROKER_WAIT_MS, logger },
      { clock: systemClock },
    );
    await using client = await QuorateClient.connect({
      servers: [...this.#natsUrl],
      cluster: token,
      name: `quorate member ${name} admission`,
      timeoutMs: VIEW_TIMEOUT_MS,
    });
    const cluster = viewOf(client);
    const subjects = this.#subjects;
    const admission = { name, peerUrls, founders: this.#founders, token };
    if (initialClusterState === "existing") return await admitJoining(admission, { cluster, logger });
    const own = founderId([...peerUrls], token);
    const answering = answerFounders(own, () => false, { transport, subjects });
    try {
      return await admitFounder(admission, { cluster, transport, subjects, logger });
    } finally {
      answering.unsubscribe();
    }
  }

  async #runNode(identity: MemberIdentity, broker: BrokerProcess | undefined): Promise<void> {
    const { name } = this.options;
    const tracing = startTracing(
      { service: "quorate", instance: name, version: PRODUCT_VERSION },
      process.env,
    );
    const logger = this.#logger.child({ service: "raft-node" });
    await new NodeProcess(this.#nodeOptions(identity), {
      logger,
      tracing,
      above: (node) => this.#startAbove(identity, node, tracing.tracer),
      ...(broker !== undefined && { below: broker }),
    }).run();
  }

  async #startAbove(
    identity: MemberIdentity,
    node: RunningNode,
    tracer: ReturnType<typeof startTracing>["tracer"],
  ): Promise<Companion> {
    await using stack = new AsyncDisposableStack();
    const { memberId } = identity;
    let current: MemberIdentity = { ...identity, hasRun: true };
    writeMember(this.#dataDir, current);
    const transport = stack.use(
      await connectPatiently(
        { servers: this.#natsUrl, name: `quorate member ${identity.name}` },
        { waitMs: BROKER_WAIT_MS, logger: this.#logger },
        { clock: systemClock },
      ),
    );
    const hasRun = (): boolean => node.status().appliedIndex > 0;
    answerFounders(memberId, hasRun, { transport, subjects: this.#subjects });
    const looking = setInterval(() => {
      const others = node.status().members.filter(({ id }) => id !== memberId);
      const peers = others.flatMap(({ peerUrls }) => peerUrls).filter((url) => url.startsWith("http"));
      if (peers.join() === current.peers.join()) return;
      current = { ...current, peers };
      writeMember(this.#dataDir, current);
    }, LOOK_FOR_PEERS_MS);
    stack.defer(() => clearInterval(looking));
    const fanoutOptions = parseFanoutOptions(this.#fanoutFlags(), {});
    const fanout = await startFanout(fanoutOptions, {
      logger: this.#logger.child({ service: "watch-fanout" }),
      tracer,
    });
    stack.defer(() => fanout.stop());
    const gatewayLogger = this.#logger.child({ service: "kv-gateway" });
    const gateway = await startGateway(parseGatewayOptions(this.#gatewayFlags(memberId), {}), {
      logger: gatewayLogger,
      tracer,
    });
    stack.defer(() => gateway.stop());
    gatewayLogger.info("serving client requests", {
      urls: gateway.clientUrls,
      cluster: this.options.initialClusterToken,
    });
    const owned = stack.move();
    return { stop: () => owned.disposeAsync() };
  }

  #nodeOptions(identity: MemberIdentity): NodeOptions {
    const { options } = this;
    const { cluster, clusterId, memberId, origin, hasRun } = identity;
    const founders = this.#founders.map((founder) => ({
      ...founder,
      id: founderId(founder.peerUrls, options.initialClusterToken) as MemberId,
    }));
    const isFounder = origin === "founder" && founders.some(({ id }) => id === memberId);
    const flags: Record<string, string> = {
      name: options.name,
      "member-id": hexId(memberId),
      cluster,
      "cluster-id": hexId(clusterId),
      "data-dir": join(this.#dataDir, "member"),
      "nats-url": this.#natsUrl.join(),
      "initial-cluster": isFounder
        ? founders.map(({ name, id }) => `${name}=${hexId(id)}`).join()
        : `${options.name}=${hexId(memberId)}`,
      "initial-cluster-state": hasRun ? "existing" : origin === "joined" ? "join" : "new",
      "client-urls": (options.advertiseClientUrls ?? options.listenClientUrls).join(),
      "peer-urls": advertisedPeerUrls(options).join(),
      "election-timeout-ms": String(options.electionTimeout),
      "auto-compaction-mode": options.autoCompactionMode,
      "auto-compaction-retention": options.autoCompactionRetention,
      "quota-backend-bytes": String(options.quotaBackendBytes),
      "alarm-clear": options.alarmClear,
      "broker-wait-ms": String(BROKER_WAIT_MS),
      "log-keep-entries": String(options.snapshotCatchupEntries),
      anchor: options.anchor,
      "ballast-bytes": String(options.ballastBytes),
      "corrupt-check-time": options.corruptCheckTime,
      "initial-corrupt-check": ["on", "true"].includes(options.initialCorruptCheck) ? "on" : "off",
      "scrub-interval": options.scrubInterval,
      "log-level": options.logLevel,
    };
    if (flags["initial-cluster-state"] === "join") delete flags["initial-cluster"];
    const switches = options.forceNewCluster ? ["--force-new-cluster"] : [];
    return {
      ...parseNodeOptions([...asArguments(flags), ...switches], {}),
      initialCluster: isFounder ? founders : [],
    };
  }

  #gatewayFlags(memberId: bigint): string[] {
    const { options } = this;
    const flags: Record<string, string | undefined> = {
      name: options.name,
      cluster: options.initialClusterToken,
      "nats-url": this.#natsUrl.join(),
      "broker-wait-ms": String(BROKER_WAIT_MS),
      "listen-client-url": options.listenClientUrls.join(),
      "listen-metrics-url": options.listenMetricsUrls?.join(),
      "advertise-client-url": (options.advertiseClientUrls ?? options.listenClientUrls).join(),
      "home-member": hexId(memberId),
      "max-learners": String(options.maxLearners),
      "election-timeout-ms": String(options.electionTimeout),
      "watch-progress-notify-ms": String(Math.max(100, durationMs(options.watchProgressNotifyInterval))),
      "cert-file": options.certFile,
      "key-file": options.keyFile,
      "trusted-ca-file": options.trustedCaFile,
      "client-crl-file": options.clientCrlFile,
      "cipher-suites": options.cipherSuites?.join(),
      "tls-min-version": options.tlsMinVersion,
      "tls-max-version": options.tlsMaxVersion,
      "log-level": options.logLevel,
    };
    return asArguments(flags);
  }

  #fanoutFlags(): string[] {
    const { options } = this;
    return asArguments({
      name: options.name,
      cluster: options.initialClusterToken,
      "nats-url": this.#natsUrl.join(),
      "broker-wait-ms": String(BROKER_WAIT_MS),
      "event-subjects": options.eventSubjects,
      "log-level": options.logLevel,
    });
  }
}

function asArguments(flags: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(flags).flatMap(([flag, value]) =>
    value === undefined ? [] : [`--${flag}=${value}`],
  );
}

/** Where something that listens everywhere is reached from here. */
function reachable(url: string): string {
  return url.replace("://0.0.0.0:", "://127.0.0.1:").replace("://[::]:", "://[::1]:");
}

function viewOf(client: QuorateClient): ClusterView {
  return {
    members: () => client.members().catch(() => undefined),
    clusterId: async () => (await client.status()).clusterId,
  };
}
