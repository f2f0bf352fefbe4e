import { resolve } from "node:path";
import { systemClock, systemScheduler } from "@quorate/actor";
import { QuorateClient } from "@quorate/client";
import { startGateway } from "@quorate/kv-gateway";
import { EXIT, NodeProcess, PRODUCT_VERSION, type Companion, type RunningNode } from "@quorate/raft-node";
import { createLogger, startTracing, type Logger, type Tracer } from "@quorate/telemetry";
import { ProcessExchange, type Transport } from "@quorate/transport";
import {
  brokerAccess,
  connectPatiently,
  BrokerAccessError,
  type BrokerDeniedError,
} from "@quorate/transport-nats";
import { startFanout } from "@quorate/watch-fanout";
import { answererOf, brokerConduct, parseClusterName, Subjects, type ClusterName } from "@quorate/wire";
import { findProgram } from "../dev/find-program";
import { admitFounder, admitJoining, answerFounders, type Admission, type ClusterView } from "./admission";
import { writeBrokerConfig } from "./broker-files";
import { BrokerProcess } from "./broker-process";
import { readMember, writeMember, type MemberIdentity } from "./member-file";
import { founderId, foundedClusterId } from "./member-ids";
import { advertisedPeerUrls, type MemberOptions } from "./member-options";
import {
  BROKER_WAIT_MS,
  fanoutOptionsOf,
  gatewayOptionsOf,
  memberPlaceOf,
  nodeOptionsOf,
  type MemberPlace,
} from "./service-options";
import { StoredMemberError } from "./stored-member-error";

const LOOK_FOR_PEERS_MS = 10_000;
const VIEW_TIMEOUT_MS = 1500;

/** What the services of the process have in common. */
interface Shared {
  readonly tracer: Tracer;
  readonly exchange: ProcessExchange;
  readonly failed: (error: BrokerDeniedError) => void;
}

/** A process that is one member of a cluster, with a gateway, a fan-out and usually a broker of its own. */
export class MemberProcess {
  readonly #logger: Logger;
  readonly #place: MemberPlace;
  readonly #cluster: ClusterName;
  readonly #subjects: Subjects;

  constructor(private readonly options: MemberOptions) {
    const { name, logLevel, initialClusterToken } = options;
    this.#logger = createLogger({ service: "quorate", name, level: logLevel });
    this.#place = memberPlaceOf(options);
    this.#cluster = parseClusterName(initialClusterToken);
    this.#subjects = new Subjects(this.#cluster);
  }

  /** Ends the process when the member ends. */
  async run(warnings: readonly string[]): Promise<void> {
    for (const warning of warnings) this.#logger.warn(warning);
    const leaveEarly = (): never => process.exit(0);
    process.once("SIGTERM", leaveEarly).once("SIGINT", leaveEarly);
    try {
      const stored = readMember(this.#place.dataDir);
      this.#mustFit(stored);
      const broker = this.options.natsUrl === undefined ? this.#startBroker(stored?.peers ?? []) : undefined;
      const identity = await this.#identify(stored);
      process.off("SIGTERM", leaveEarly).off("SIGINT", leaveEarly);
      await this.#runNode(identity, broker);
    } catch (error) {
      this.#logger.error(`cannot start: ${(error as Error).message}`, {
        code: (error as { code?: string }).code,
      });
      process.exit(exitCodeOf(error));
    }
  }

  #mustFit(stored: MemberIdentity | undefined): void {
    const { initialClusterToken, forceNewCluster } = this.options;
    if (stored === undefined) {
      if (forceNewCluster)
        throw new StoredMemberError(
          `--force-new-cluster is for a member that has run, and ${this.#place.dataDir} is empty.`,
        );
      return;
    }
    const isOther = stored.cluster !== initialClusterToken;
    if (isOther && !forceNewCluster)
      throw new StoredMemberError(
        `${this.#place.dataDir} belongs to a member of the cluster ${stored.cluster}, and not of ${initialClusterToken} (--initial-cluster-token).`,
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
    const known = this.#place.founders
      .filter(({ name }) => name !== options.name)
      .flatMap(({ peerUrls }) => peerUrls);
    const config = writeBrokerConfig(this.#place.dataDir, {
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
    writeMember(this.#place.dataDir, identity);
    return identity;
  }

  async #admit(): Promise<Admission> {
    const { name, initialClusterToken: token, initialClusterState } = this.options;
    const logger = this.#logger;
    const peerUrls = advertisedPeerUrls(this.options);
    await using transport = await this.#connect(`quorate member ${name} admission`);
    const { brokerTrustedCaFile, brokerCertFile, brokerKeyFile } = this.options;
    const { natsUrl, brokerCredentials } = this.#place;
    await using client = await QuorateClient.connect({
      servers: [...natsUrl],
      ...(brokerCredentials !== undefined && { credentialsFile: brokerCredentials }),
      tls: {
        ...(brokerTrustedCaFile !== undefined && { trustedCaFile: brokerTrustedCaFile }),
        ...(brokerCertFile !== undefined && { certFile: brokerCertFile }),
        ...(brokerKeyFile !== undefined && { keyFile: brokerKeyFile }),
      },
      cluster: token,
      name: `quorate member ${name} admission`,
      timeoutMs: VIEW_TIMEOUT_MS,
    });
    const cluster = viewOf(client);
    const subjects = this.#subjects;
    const admission = { name, peerUrls, founders: this.#place.founders, token };
    if (initialClusterState === "existing") return await admitJoining(admission, { cluster, logger });
    const own = founderId([...peerUrls], token);
    const answering = answerFounders(own, () => false, { transport, subjects });
    try {
      return await admitFounder(admission, { cluster, transport, subjects, logger });
    } finally {
      answering.unsubscribe();
    }
  }

  /** For what a member does beside its services. */
  #connect(name: string): Promise<Transport> {
    const { natsUrl, brokerCredentials } = this.#place;
    const { login, ...access } = brokerAccess({ ...this.options, natsUrl, brokerCredentials });
    const { inboxPrefix, acceptsReply } = brokerConduct(this.#cluster, { roles: ["node"], user: login });
    return connectPatiently(
      { ...access, inboxPrefix, acceptsReply, name },
      { waitMs: BROKER_WAIT_MS, logger: this.#logger },
      { clock: systemClock },
    );
  }

  async #runNode(identity: MemberIdentity, broker: BrokerProcess | undefined): Promise<void> {
    const { name } = this.options;
    const tracing = startTracing(
      { service: "quorate", instance: name, version: PRODUCT_VERSION },
      process.env,
    );
    const logger = this.#logger.child({ service: "raft-node" });
    const { memberId } = identity;
    const isOwn = (subject: string): boolean => answererOf(subject) === memberId;
    const exchange = new ProcessExchange({ isOwn }, { scheduler: systemScheduler });
    const failed = (error: BrokerDeniedError): void => member.denied(error);
    const member: NodeProcess = new NodeProcess(nodeOptionsOf(this.options, this.#place, identity), {
      logger,
      tracing,
      exchange,
      above: (node) => this.#startAbove(identity, node, { tracer: tracing.tracer, exchange, failed }),
      ...(broker !== undefined && { below: broker }),
    });
    await member.run();
  }

  async #startAbove(identity: MemberIdentity, node: RunningNode, shared: Shared): Promise<Companion> {
    await using stack = new AsyncDisposableStack();
    const { memberId } = identity;
    let current: MemberIdentity = { ...identity, hasRun: true };
    writeMember(this.#place.dataDir, current);
    const transport = stack.use(await this.#connect(`quorate member ${identity.name}`));
    const hasRun = (): boolean => node.status().appliedIndex > 0;
    answerFounders(memberId, hasRun, { transport, subjects: this.#subjects });
    const looking = setInterval(() => {
      const others = node.status().members.filter(({ id }) => id !== memberId);
      const peers = others.flatMap(({ peerUrls }) => peerUrls).filter((url) => url.startsWith("http"));
      if (peers.join() === current.peers.join()) return;
      current = { ...current, peers };
      writeMember(this.#place.dataDir, current);
    }, LOOK_FOR_PEERS_MS);
    stack.defer(() => clearInterval(looking));
    const fanoutOptions = fanoutOptionsOf(this.options, this.#place);
    const fanout = await startFanout(fanoutOptions, {
      logger: this.#logger.child({ service: "watch-fanout" }),
      ...shared,
    });
    stack.defer(() => fanout.stop());
    const gatewayLogger = this.#logger.child({ service: "kv-gateway" });
    const gateway = await startGateway(gatewayOptionsOf(this.options, this.#place, memberId), {
      logger: gatewayLogger,
      ...shared,
      memberChecks: node.readiness.member,
    });
    stack.defer(() => gateway.stop());
    gatewayLogger.info("serving client requests", {
      urls: gateway.clientUrls,
      cluster: this.options.initialClusterToken,
    });
    const owned = stack.move();
    return { stop: () => owned.disposeAsync() };
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof StoredMemberError) return EXIT.dataDirectory;
  return error instanceof BrokerAccessError ? EXIT.brokerDenied : EXIT.brokerUnavailable;
}

function viewOf(client: QuorateClient): ClusterView {
  return {
    members: () => client.members().catch(() => undefined),
    clusterId: async () => (await client.status()).clusterId,
  };
}
