import { brokerUsersText, quoted, type BrokerUsers } from "../broker/broker-users";

export interface BrokerPlan {
  readonly name: string;
  /** Of the cluster of brokers; those of different clusters turn each other away. */
  readonly cluster: string;
  /** `nats://HOST:PORT`: for this member and for applications. */
  readonly listenUrl: string;
  /** `http(s)://HOST:PORT`: for the other brokers. */
  readonly peerUrl: string;
  /** What they are told to reach this one by. */
  readonly advertisedPeerUrl: string;
  /** Those of the others. */
  readonly peers: readonly string[];
  readonly tls: BrokerTls | undefined;
  /** Who may do what with whom connects here; routes pass on what the others' brokers have allowed. */
  readonly users: BrokerUsers;
}

/** Paths of PEM files. */
export interface BrokerTls {
  readonly cert: string;
  readonly key: string;
  readonly trustedCa: string;
}

/** Above what Quorate sends in one message (512 KiB), so that other clients of this broker have room too. */
const MAX_PAYLOAD = "8MB";

/** The configuration of nats-server for the broker of one member, which forms a cluster with those of the others. */
export function brokerConfig(plan: BrokerPlan): string {
  const { tls } = plan;
  return [
    `server_name: ${quoted(plan.name)}`,
    `listen: ${quoted(hostAndPort(plan.listenUrl))}`,
    `max_payload: ${MAX_PAYLOAD}`,
    // Clients look every half second whether their broker is there, and so do brokers among themselves.
    "ping_interval: 2s",
    "ping_max: 2",
    "cluster {",
    `  name: ${quoted(plan.cluster)}`,
    `  listen: ${quoted(hostAndPort(plan.peerUrl))}`,
    `  advertise: ${quoted(hostAndPort(plan.advertisedPeerUrl))}`,
    `  routes: [${plan.peers.map((url) => quoted(`nats://${hostAndPort(url)}`)).join(", ")}]`,
    ...(tls === undefined
      ? []
      : [
          "  tls {",
          `    cert_file: ${quoted(tls.cert)}`,
          `    key_file: ${quoted(tls.key)}`,
          `    ca_file: ${quoted(tls.trustedCa)}`,
          "    verify: true",
          "    timeout: 5",
          "  }",
        ]),
    "}",
    brokerUsersText(plan.users),
  ].join("\n");
}

function hostAndPort(url: string): string {
  return url.slice(url.indexOf("://") + 3).replace(/\/$/, "");
}
