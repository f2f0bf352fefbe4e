import { join } from "node:path";
import type { EventSubjects } from "./dev-options";
import { initialCluster, presentMembers, type Topology, type TopologyMember } from "./topology";

export type ServiceName = "nats-server" | "raft-node" | "watch-fanout" | "kv-gateway";

/** One process of a development cluster: what to run, and what others are told about it. */
export interface ProcessPlan {
  readonly service: ServiceName;
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly memberId?: string;
  readonly clientUrl?: string;
  readonly url?: string;
}

export interface PlanOptions {
  readonly topology: Topology;
  /** Absolute. */
  readonly dataDir: string;
  readonly clientUrls: readonly string[];
  /** How many watch-fanouts. */
  readonly fanouts: number;
  /** Flags for every raft-node. */
  readonly nodeFlags: Readonly<Record<string, string>>;
  readonly eventSubjects: EventSubjects;
  /** Where the broker is or will be. */
  readonly natsUrl: string;
  /** Path of nats-server; `undefined`: somebody else runs the broker. */
  readonly natsServer: string | undefined;
  /** Path of Node. */
  readonly node: string;
  /** The folder with a folder per service. */
  readonly servicesDir: string;
}

/** In the order in which they are started; they are stopped in reverse. */
export function planProcesses(options: PlanOptions): ProcessPlan[] {
  const { topology, clientUrls } = options;
  const broker = options.natsServer === undefined ? [] : [planBroker(options, options.natsServer)];
  const homes = clientUrls.map((_, at) => homeOf(topology, at));
  const nodes = presentMembers(topology).map((member) => {
    const homed = clientUrls.filter((_, at) => homes[at]?.name === member.name);
    return planNode(options, member, homed);
  });
  // A single gateway stands for the whole cluster and shows whoever answers; of several, each shows a member of its own.
  const standForMembers = clientUrls.length > 1;
  const gateways = clientUrls.map((clientUrl, at) => {
    const home = standForMembers ? homes[at]?.memberId : undefined;
    return planGateway(options, `gateway${at + 1}`, clientUrl, home);
  });
  const fanouts = Array.from({ length: options.fanouts }, (_, at) => planFanout(options, `fanout${at + 1}`));
  return [...broker, ...nodes, ...fanouts, ...gateways];
}

/** The member that a gateway stands for: the same one for as long as that is a member, whoever else comes and goes. */
function homeOf(topology: Topology, gateway: number): TopologyMember | undefined {
  const founders = topology.members.filter(({ joined }) => joined !== true);
  const first = founders[gateway % founders.length];
  const present = presentMembers(topology);
  return first?.removed === true ? present[gateway % present.length] : first;
}

export function brokerConfigPath(dataDir: string): string {
  return join(dataDir, "broker1", "nats-server.conf");
}

/** @param url `nats://host:port` to listen on. */
export function brokerConfig(url: string): string {
  const { hostname, port } = new URL(url);
  return [
    `server_name: "broker1"`,
    `listen: "${hostname}:${port}"`,
    "# Above what Quorate sends in one message (512 KiB), so that other clients of this broker have room too.",
    "max_payload: 8MB",
    "",
  ].join("\n");
}

function planBroker(options: PlanOptions, natsServer: string): ProcessPlan {
  return {
    service: "nats-server",
    name: "broker1",
    command: natsServer,
    args: ["-c", brokerConfigPath(options.dataDir)],
    url: options.natsUrl,
  };
}

function planNode(options: PlanOptions, member: TopologyMember, homed: string[]): ProcessPlan {
  const { topology, dataDir } = options;
  const flags: Record<string, string> = {
    name: member.name,
    "member-id": member.memberId,
    cluster: topology.cluster,
    "cluster-id": topology.clusterId,
    "data-dir": join(dataDir, member.name),
    "nats-url": options.natsUrl,
    ...(member.joined === true
      ? { "initial-cluster-state": "join" }
      : {
          "initial-cluster": initialCluster(topology),
          "initial-cluster-state": topology.initialized ? "existing" : "new",
        }),
    ...options.nodeFlags,
  };
  if (homed.length > 0) flags["client-urls"] = homed.join(",");
  return { ...planService(options, "raft-node", member.name, flags), memberId: member.memberId };
}

function planGateway(
  options: PlanOptions,
  name: string,
  clientUrl: string,
  homeMember: string | undefined,
): ProcessPlan {
  const flags: Record<string, string> = {
    name,
    cluster: options.topology.cluster,
    "nats-url": options.natsUrl,
    "listen-client-url": clientUrl,
    "advertise-client-url": clientUrl,
    "shutdown-delay-ms": "0", // nobody balances any load here, and people wait
  };
  if (homeMember !== undefined) flags["home-member"] = homeMember;
  return { ...planService(options, "kv-gateway", name, flags), clientUrl };
}

function planFanout(options: PlanOptions, name: string): ProcessPlan {
  return planService(options, "watch-fanout", name, {
    name,
    cluster: options.topology.cluster,
    "nats-url": options.natsUrl,
    "event-subjects": options.eventSubjects,
  });
}

function planService(
  options: PlanOptions,
  service: "raft-node" | "watch-fanout" | "kv-gateway",
  name: string,
  flags: Readonly<Record<string, string>>,
): ProcessPlan {
  const args = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value]);
  return {
    service,
    name,
    command: options.node,
    args: [join(options.servicesDir, service, "dist", "main.js"), ...args],
  };
}
