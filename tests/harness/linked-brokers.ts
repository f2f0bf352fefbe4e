import { mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";

import { findProgram } from "./etcd-server";
import { eventually } from "./eventually";
import { KeptProcess } from "./kept-process";
import { freePorts } from "./ports";
import { TcpLink } from "./tcp-link";

export interface Broker {
  readonly name: string;
  readonly clientPort: number;
  /** Without any link between. */
  readonly url: string;
  readonly process: KeptProcess;
}

/** A link between two brokers. */
export interface Route {
  readonly brokers: readonly [string, string];
  readonly link: TcpLink;
}

const LISTENS_WITHIN_MS = 10_000;

/**
 * Clustered NATS brokers whose routes all go over links. Nothing about them is gossiped, or servers and clients would find ways
 * around these.
 */
export class LinkedBrokers implements AsyncDisposable {
  private constructor(
    readonly brokers: readonly Broker[],
    readonly routes: readonly Route[],
  ) {}

  /** @param folder For configurations. @param logs For what they print. */
  static async start(count: number, folder: string, logs: string): Promise<LinkedBrokers> {
    const program = findProgram("nats-server");
    if (program === undefined) throw new Error("Cannot start brokers: nats-server is not installed");
    const ports = await freePorts(2 * count);
    const routes: Route[] = [];
    const brokers: Broker[] = [];
    for (let at = 0; at < count; at += 1) {
      const name = `broker${at + 1}`;
      const clientPort = ports[2 * at]!;
      const routePort = ports[2 * at + 1]!;
      // Each connects to those before it: two ways between two brokers would be one too many.
      const own = await Promise.all(
        brokers.map(async (other, to) => {
          return { brokers: [name, other.name] as const, link: await linkTo(ports[2 * to + 1]!, ports) };
        }),
      );
      routes.push(...own);
      mkdirSync(join(folder, name), { recursive: true });
      const path = join(folder, name, "nats-server.conf");
      const routeUrls = own.map(({ link }) => `"nats://127.0.0.1:${link.port}"`);
      writeFileSync(path, brokerConfig({ name, clientPort, routePort, routeUrls }));
      const process = new KeptProcess({ command: [program, "-c", path], logPath: join(logs, `${name}.log`) });
      process.start();
      brokers.push({ name, clientPort, url: `nats://127.0.0.1:${clientPort}`, process });
    }
    for (const { name, clientPort } of brokers)
      await eventually(`${name} to listen`, { withinMs: LISTENS_WITHIN_MS }, () => listens(clientPort));
    return new LinkedBrokers(brokers, routes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { process } of this.brokers) await process.kill();
    for (const { link } of this.routes) await link[Symbol.asyncDispose]();
  }
}

/** A link whose own port is none of those that brokers are about to listen on. */
async function linkTo(port: number, taken: readonly number[]): Promise<TcpLink> {
  const link = await TcpLink.open(port);
  if (!taken.includes(link.port)) return link;
  const other = await linkTo(port, taken);
  await link[Symbol.asyncDispose]();
  return other;
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

function brokerConfig(options: {
  readonly name: string;
  readonly clientPort: number;
  readonly routePort: number;
  readonly routeUrls: readonly string[];
}): string {
  const { name, clientPort, routePort, routeUrls } = options;
  return [
    `server_name: "${name}"`,
    `listen: "127.0.0.1:${clientPort}"`,
    "max_payload: 8MB",
    // A link that swallows everything is noticed within seconds.
    `ping_interval: "2s"`,
    "ping_max: 2",
    "cluster {",
    `  name: "chaos"`,
    `  listen: "127.0.0.1:${routePort}"`,
    "  no_advertise: true",
    // Other brokers would connect to what is made known here: nobody listens on it.
    `  advertise: "127.0.0.1:1"`,
    `  routes: [${routeUrls.join(", ")}]`,
    "}",
    "",
  ].join("\n");
}
