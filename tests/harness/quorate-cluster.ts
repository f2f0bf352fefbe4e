import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { isRunning, run, type Finished } from "./child-process";
import { eventually } from "./eventually";
import type { NatsCaller } from "./nats-caller";
import { freePorts } from "./ports";
import { nodeExecutable, serviceMain } from "./repository";
import { temporaryFolder, type TemporaryFolder } from "./temporary-folder";
import { untilWritable } from "./until-writable";

/** A process of the cluster, as `quorate dev` lists it in `cluster.json`. */
export interface ClusterProcess {
  readonly service: "raft-node" | "watch-fanout" | "kv-gateway" | "nats-server";
  /** n1, fanout1, gateway1, broker1, … */
  readonly name: string;
  /** Absent while it does not run. */
  readonly pid?: number;
  /** The command line that starts it. */
  readonly command: readonly string[];
  /** Of raft-nodes: the member id in hex. */
  readonly memberId?: string;
  /** Of gateways: the URL of the etcd API. */
  readonly clientUrl?: string;
  /** Of brokers: the URL that clients connect to. */
  readonly url?: string;
}

interface ClusterDescription {
  readonly cluster: string;
  readonly processes: readonly ClusterProcess[];
}

export interface QuorateOptions {
  readonly members: number;
  readonly gateways?: number;
  readonly fanouts?: number;
  /** Whether changes are published as plain messages; as `quorate dev` does it unless told. */
  readonly eventSubjects?: "on" | "off";
  /** Where to keep the data, from then on the cluster's to dispose of; a temporary folder unless told. */
  readonly folder?: TemporaryFolder;
  /** A workspace with compiled services that all processes are started from; this one unless told. */
  readonly build?: string;
  /** Go on with the data in `folder`, whose `data` an earlier cluster has left there. */
  readonly keepData?: boolean;
  /** More flags for `quorate dev`. */
  readonly flags?: readonly string[];
  /** Added to the environment of all processes. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** `start` brings back what was stopped or killed, with its data. */
export type ProcessVerb = "stop" | "kill" | "pause" | "resume" | "start";

/** What tests need of a cluster, however it is run. */
export type RunningCluster = Pick<
  QuorateCluster,
  | "name"
  | "processes"
  | "process"
  | "members"
  | "address"
  | "brokerUrl"
  | "dataDir"
  | "logOf"
  | "tell"
  | "untilWritable"
>;

/** Where the parts of a cluster are: what those need who only ask it, and break nothing. */
export interface AddressedCluster extends Pick<
  RunningCluster,
  "name" | "processes" | "process" | "members" | "address" | "brokerUrl"
> {
  /** Where brokers do not let everybody ask a member about itself: a connection to its own, as somebody who may. */
  askAt?(member: string): Promise<NatsCaller>;
}

/**
 * A cluster of real processes under `quorate dev`, with ports and data of its own.
 *
 * Disposing of it leaves no process behind, even if the supervisor no longer answers.
 */
export class QuorateCluster implements AsyncDisposable {
  readonly #folder: TemporaryFolder;
  readonly #seenPids = new Set<number>();
  readonly #environment: Readonly<Record<string, string>>;
  readonly #program: string;
  readonly dataDir: string;

  private constructor(folder: TemporaryFolder, options: Partial<QuorateOptions>) {
    this.#folder = folder;
    this.#environment = options.environment ?? {};
    this.#program = serviceMain("quorate", options.build);
    this.dataDir = join(folder.path, "data");
  }

  /** @throws {Error} The cluster did not come up; what the command printed is in the message. */
  static async start(options: QuorateOptions): Promise<QuorateCluster> {
    if (!existsSync(serviceMain("quorate")))
      throw new Error("Cannot start Quorate: run `npm run build` first");
    const cluster = new QuorateCluster(options.folder ?? (await temporaryFolder("cluster")), options);
    try {
      await cluster.#startAll(options);
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** One that somebody else starts, with `data` in `folder` for its data directory: to look at, and to dispose of. */
  static in(folder: TemporaryFolder): QuorateCluster {
    return new QuorateCluster(folder, {});
  }

  async #startAll(options: QuorateOptions): Promise<void> {
    const { members, gateways = 1, fanouts = 1, eventSubjects, keepData = false, flags = [] } = options;
    const [brokerPort, ...ports] = await freePorts(gateways + 1);
    await this.#quorate([
      "dev",
      ...["--members", `${members}`, "--gateways", `${gateways}`, "--fanouts", `${fanouts}`],
      ...(eventSubjects === undefined ? [] : ["--event-subjects", eventSubjects]),
      ...["--data-dir", this.dataDir],
      ...["--client-urls", ports.map((port) => `http://127.0.0.1:${port}`).join(",")],
      ...["--detach", ...(keepData ? [] : ["--fresh"])],
      // Two clusters that start at once would both find 4222 free. An earlier build may not know the option.
      ...(options.build === undefined ? ["--broker-port", `${brokerPort}`] : []),
      ...flags,
    ]);
    await this.untilWritable(20_000);
  }

  /** The cluster's name: the second token of the subjects of its NATS API. */
  get name(): string {
    return this.#description().cluster;
  }

  get processes(): readonly ClusterProcess[] {
    const { processes } = this.#description();
    for (const { pid } of processes) if (pid !== undefined) this.#seenPids.add(pid);
    return processes;
  }

  process(name: string): ClusterProcess {
    const found = this.processes.find((process) => process.name === name);
    if (found === undefined) throw new Error(`The cluster has no process ${name}`);
    return found;
  }

  /** Names of the raft-nodes. */
  get members(): readonly string[] {
    return this.processes.filter(({ service }) => service === "raft-node").map(({ name }) => name);
  }

  /** host:port of a gateway's etcd API; the first one's unless told. */
  address(gateway = "gateway1"): string {
    return new URL(this.process(gateway).clientUrl ?? "").host;
  }

  get brokerUrl(): string {
    return this.process("broker1").url ?? "";
  }

  /** All that a process has logged, over all its starts. */
  logOf(name: string): string {
    return readFileSync(join(this.dataDir, "logs", `${name}.log`), "utf8");
  }

  /** Does something to a process, and returns when it is done: killed means gone, started means asked to start. */
  async tell(verb: ProcessVerb, name: string): Promise<void> {
    const { pid } = this.process(name);
    await this.#quorate(["dev", verb, name, "--data-dir", this.dataDir]);
    if (pid !== undefined && (verb === "kill" || verb === "stop")) {
      await eventually(`${name} to end`, { withinMs: 10_000 }, () => !isRunning(pid));
    }
  }

  /** Adds a member, which is caught up and votes, or is a learner, when this returns. @returns Its name. */
  async addMember(kind: "voter" | "learner" = "voter"): Promise<string> {
    const before = new Set(this.members);
    const flags = kind === "learner" ? ["--learner"] : [];
    await this.#quorate(["dev", "add", ...flags, "--data-dir", this.dataDir]);
    return this.members.find((name) => !before.has(name)) ?? "";
  }

  /** Removes a member, which is gone with its data when this returns. */
  async removeMember(name: string): Promise<void> {
    await this.#quorate(["dev", "remove", name, "--data-dir", this.dataDir]);
  }

  /** Waits until a write is acknowledged. Returns the milliseconds that it took. */
  async untilWritable(withinMs: number): Promise<number> {
    return await untilWritable(this.address(), withinMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (existsSync(this.#descriptionPath)) {
      const pids = [...this.processes.flatMap(({ pid }) => pid ?? []), ...this.#seenPids];
      const { exitCode } = await this.#attempt(["dev", "stop", "--data-dir", this.dataDir], 20_000);
      // Only after a failed stop: the process ids of an orderly one may already be somebody else's.
      if (exitCode !== 0) for (const pid of pids) if (isRunning(pid)) process.kill(pid, "SIGKILL");
    }
    await this.#folder[Symbol.asyncDispose]();
  }

  get #descriptionPath(): string {
    return join(this.dataDir, "cluster.json");
  }

  #description(): ClusterDescription {
    return JSON.parse(readFileSync(this.#descriptionPath, "utf8")) as ClusterDescription;
  }

  async #quorate(args: readonly string[]): Promise<void> {
    const { exitCode, stdout, stderr } = await this.#attempt(args, 60_000);
    if (exitCode !== 0) throw new Error(`quorate ${args.join(" ")} failed (${exitCode})\n${stdout}${stderr}`);
  }

  #attempt(args: readonly string[], timeoutMs: number): Promise<Finished> {
    return run(nodeExecutable, [this.#program, ...args], {
      timeoutMs,
      environment: this.#environment,
    });
  }
}
