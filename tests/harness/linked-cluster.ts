import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

import { EtcdClient, etcdMethods } from "./etcd-client";
import { eventually } from "./eventually";
import { KeptProcess } from "./kept-process";
import { LinkedBrokers, type Route } from "./linked-brokers";
import { freePorts } from "./ports";
import type { ClusterProcess, ProcessVerb, RunningCluster } from "./quorate-cluster";
import { nodeExecutable, serviceMain } from "./repository";
import { TcpLink } from "./tcp-link";
import { temporaryFolder, type TemporaryFolder } from "./temporary-folder";
import { untilWritable } from "./until-writable";

export interface LinkedClusterOptions {
  readonly members: number;
  /** Members take them in turn: each is connected to one. Fan-outs and gateways know all of them. */
  readonly brokers: number;
  readonly gateways: number;
  readonly fanouts: number;
  /** More flags for raft-nodes. */
  readonly nodeFlags?: readonly string[];
  /** Added to the environment of the raft-node with this name. @param membersDir Has, or will have, its directory in it. */
  readonly environmentOf?: (membersDir: string, name: string) => Readonly<Record<string, string>>;
}

/** A link between a process and a broker. */
export interface BrokerLink {
  readonly process: string;
  readonly broker: string;
  readonly link: TcpLink;
}

interface Served extends Omit<ClusterProcess, "pid" | "command"> {
  readonly kept: KeptProcess;
}

const NAME = "chaos";
const JOIN_WITHIN_MS = 60_000;
/** Many processes at once on a busy machine. */
const START_WITHIN_MS = 90_000;

/**
 * A cluster of real processes with clustered brokers, in which every connection but those of clients to gateways goes over a link
 * that can be broken: what `quorate dev` with its one broker has not got.
 */
export class LinkedCluster implements RunningCluster, AsyncDisposable {
  readonly #served: Served[] = [];
  readonly links: BrokerLink[] = [];
  readonly #clusterId = randomId();
  #founders: readonly { readonly name: string; readonly memberId: string }[] = [];
  #joined = 0;

  private constructor(
    private readonly options: LinkedClusterOptions,
    private readonly folder: TemporaryFolder,
    private readonly brokers: LinkedBrokers,
  ) {}

  /** @throws {NotInTimeError} It takes no write. */
  static async start(options: LinkedClusterOptions): Promise<LinkedCluster> {
    const folder = await temporaryFolder("linked");
    const logs = join(folder.path, "logs");
    for (const path of [logs, join(folder.path, "members")]) mkdirSync(path, { recursive: true });
    const brokers = await LinkedBrokers.start(options.brokers, folder.path, logs);
    const cluster = new LinkedCluster(options, folder, brokers);
    try {
      await cluster.#startAll();
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  readonly name = NAME;

  get dataDir(): string {
    return this.folder.path;
  }

  get routes(): readonly Route[] {
    return this.brokers.routes;
  }

  get brokerUrl(): string {
    return this.brokers.brokers.map(({ url }) => url).join(",");
  }

  get processes(): readonly ClusterProcess[] {
    const brokers = this.brokers.brokers.map(({ name, url, process }) => {
      return { service: "nats-server", name, url, ...running(process) } as const;
    });
    return [...brokers, ...this.#served.map(({ kept, ...facts }) => ({ ...facts, ...running(kept) }))];
  }

  get members(): readonly string[] {
    return this.namesOf("raft-node");
  }

  namesOf(service: ClusterProcess["service"]): readonly string[] {
    return this.processes.filter((process) => process.service === service).map(({ name }) => name);
  }

  process(name: string): ClusterProcess {
    const found = this.processes.find((process) => process.name === name);
    if (found === undefined) throw new Error(`The cluster has no process ${name}`);
    return found;
  }

  kept(name: string): KeptProcess {
    const served = this.#served.find((one) => one.name === name)?.kept;
    const found = served ?? this.brokers.brokers.find((one) => one.name === name)?.process;
    if (found === undefined) throw new Error(`The cluster has no process ${name}`);
    return found;
  }

  address(gateway = "gateway1"): string {
    return new URL(this.process(gateway).clientUrl ?? "").host;
  }

  memberDir(name: string): string {
    return join(this.#membersDir, name);
  }

  get #membersDir(): string {
    return join(this.dataDir, "members");
  }

  logOf(name: string): string {
    return readFileSync(join(this.dataDir, "logs", `${name}.log`), "utf8");
  }

  /** Unlike with a supervisor, verbs that do not fit do nothing. */
  async tell(verb: ProcessVerb, name: string): Promise<void> {
    const kept = this.kept(name);
    switch (verb) {
      case "start":
        return kept.start();
      case "kill":
        return kept.kill();
      case "stop":
        return kept.kill("SIGTERM");
      case "pause":
        return kept.pause();
      case "resume":
        return kept.resume();
    }
  }

  untilWritable(withinMs: number): Promise<number> {
    return untilWritable(this.address(), withinMs);
  }

  /** Everything runs and every link is whole when this returns. */
  healAll(): void {
    for (const { link } of [...this.links, ...this.routes]) link.heal();
    for (const { name } of this.processes) {
      const kept = this.kept(name);
      kept.resume();
      kept.start();
    }
  }

  /** Adds a learner, which runs and is known by its name when this returns. @returns Its name and id. */
  async addLearner(): Promise<{ readonly name: string; readonly memberId: string }> {
    const name = `joined${(this.#joined += 1)}`;
    const client = new EtcdClient({ address: this.address() });
    try {
      const { member } = await client.call(etcdMethods.memberAdd, {
        peerURLs: [`nats://${name}`],
        isLearner: true,
      });
      const memberId = BigInt(String(member?.ID)).toString(16);
      await this.#startMember({ name, memberId }, this.#joined, ["--initial-cluster-state", "join"]);
      await eventually(`${name} to be listed`, { withinMs: JOIN_WITHIN_MS, everyMs: 100 }, async () =>
        (await client.memberList()).members.some((listed) => listed.name === name),
      );
      return { name, memberId };
    } finally {
      client.close();
    }
  }

  /** Ends the process of a member that was removed, and deletes what it kept. */
  async forget(name: string): Promise<void> {
    await this.kept(name).kill();
    this.#served.splice(
      this.#served.findIndex((one) => one.name === name),
      1,
    );
    rmSync(this.memberDir(name), { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#served.map(({ kept }) => kept.kill()));
    await this.brokers[Symbol.asyncDispose]();
    for (const { link } of this.links) await link[Symbol.asyncDispose]();
    await this.folder[Symbol.asyncDispose]();
  }

  async #startAll(): Promise<void> {
    const { members, fanouts, gateways } = this.options;
    this.#founders = Array.from({ length: members }, (_, at) => {
      return { name: `n${at + 1}`, memberId: randomId() };
    });
    for (const [at, member] of this.#founders.entries())
      await this.#startMember(member, at, this.#founding("new"));
    for (let at = 0; at < fanouts; at += 1) await this.#startFanout(`fanout${at + 1}`);
    // Links first: one of them may otherwise get the port that a gateway is about to listen on.
    for (let at = 0; at < gateways; at += 1) await this.#allUrls(`gateway${at + 1}`);
    const ports = await freePorts(gateways);
    for (const [at, port] of ports.entries()) await this.#startGateway(`gateway${at + 1}`, at, port);
    for (const gateway of this.namesOf("kv-gateway"))
      await untilWritable(this.address(gateway), START_WITHIN_MS);
    // From here on a member without data has lost it, and must not vote as if it were new.
    for (const [at, { name, memberId }] of this.#founders.entries()) {
      const url = await this.#urlOf(name, at);
      this.kept(name).replan({ command: this.#nodeCommand(name, memberId, url, this.#founding("existing")) });
    }
  }

  #founding(state: "new" | "existing"): readonly string[] {
    const initial = this.#founders.map(({ name, memberId }) => `${name}=${memberId}`).join(",");
    return ["--initial-cluster", initial, "--initial-cluster-state", state];
  }

  async #startMember(
    member: { readonly name: string; readonly memberId: string },
    at: number,
    flags: readonly string[],
  ): Promise<void> {
    const { name, memberId } = member;
    const url = await this.#urlOf(name, at);
    const environment = this.options.environmentOf?.(this.#membersDir, name) ?? {};
    const command = this.#nodeCommand(name, memberId, url, flags);
    this.#serve({ service: "raft-node", name, memberId }, command, environment);
  }

  #nodeCommand(name: string, memberId: string, url: string, flags: readonly string[]): readonly string[] {
    return [
      ...[nodeExecutable, serviceMain("raft-node")],
      ...["--name", name, "--member-id", memberId, "--cluster", NAME, "--cluster-id", this.#clusterId],
      ...["--data-dir", this.memberDir(name), "--nats-url", url],
      ...flags,
      ...(this.options.nodeFlags ?? []),
    ];
  }

  async #startFanout(name: string): Promise<void> {
    const urls = await this.#allUrls(name);
    const flags = ["--name", name, "--cluster", NAME, "--nats-url", urls];
    this.#serve({ service: "watch-fanout", name }, [nodeExecutable, serviceMain("watch-fanout"), ...flags]);
  }

  async #startGateway(name: string, at: number, port: number): Promise<void> {
    const clientUrl = `http://127.0.0.1:${port}`;
    const home = this.#founders[at % this.#founders.length]!.memberId;
    const flags = [
      ...["--name", name, "--cluster", NAME, "--nats-url", await this.#allUrls(name)],
      ...["--listen-client-url", clientUrl, "--advertise-client-url", clientUrl, "--home-member", home],
    ];
    const command = [nodeExecutable, serviceMain("kv-gateway"), ...flags];
    this.#serve({ service: "kv-gateway", name, clientUrl }, command);
  }

  #serve(
    facts: Omit<Served, "kept">,
    command: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ): void {
    const logPath = join(this.dataDir, "logs", `${facts.name}.log`);
    const kept = new KeptProcess({ command, logPath, environment });
    this.#served.push({ ...facts, kept });
    kept.start();
  }

  #urlOf(process: string, at: number): Promise<string> {
    return this.#linked(process, at % this.brokers.brokers.length);
  }

  async #allUrls(process: string): Promise<string> {
    const urls = await Promise.all(this.brokers.brokers.map((_, at) => this.#linked(process, at)));
    return urls.join(",");
  }

  /** The way of a process to a broker, made when it is first asked for. */
  async #linked(process: string, at: number): Promise<string> {
    const { name: broker, clientPort } = this.brokers.brokers[at]!;
    let found = this.links.find((one) => one.process === process && one.broker === broker);
    if (found === undefined) {
      found = { process, broker, link: await TcpLink.open(clientPort) };
      this.links.push(found);
    }
    return `nats://127.0.0.1:${found.link.port}`;
  }
}

function running(kept: KeptProcess): Pick<ClusterProcess, "pid" | "command"> {
  const { pid, command } = kept;
  return { command, ...(pid === undefined ? {} : { pid }) };
}

function randomId(): string {
  return randomBytes(7).toString("hex").replace(/^0+/, "1");
}
