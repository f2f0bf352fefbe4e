import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { run } from "./child-process";
import { eventually } from "./eventually";
import { KeptProcess } from "./kept-process";
import { freePorts } from "./ports";
import { nodeExecutable, serviceMain } from "./repository";
import { temporaryFolder, type TemporaryFolder } from "./temporary-folder";

/** That of the samples of subjects. */
const NAME = "c";
const WITHIN_MS = 60_000;

/**
 * A broker with users and permissions as `quorate broker-config` writes them, and services that log in there: three raft-nodes
 * n1 to n3 (ids a1 to a3), a fan-out and a gateway, with a client `app` and an operator `ops`.
 */
export class GuardedCluster implements AsyncDisposable {
  readonly name = NAME;
  readonly #processes = new Map<string, KeptProcess>();

  private constructor(
    private readonly folder: TemporaryFolder,
    readonly address: string,
    readonly brokerUrl: string,
  ) {}

  /** Starts the broker and everything on it. */
  static async start(): Promise<GuardedCluster> {
    const folder = await temporaryFolder("guarded");
    const [port, brokerPort] = await freePorts(2);
    const cluster = new GuardedCluster(folder, `127.0.0.1:${port}`, `nats://127.0.0.1:${brokerPort}`);
    try {
      await cluster.#startAll();
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Path of the secret of a user, such as `node-n1` or `client-app`. */
  credentials(user: string): string {
    return join(this.folder.path, "credentials", `${user}.nkey`);
  }

  /** All that `broker`, `n1`, `fanout1` or `gateway1` has logged. */
  logOf(name: string): string {
    return readFileSync(this.#logPath(name), "utf8");
  }

  process(name: string): KeptProcess {
    return this.#processes.get(name)!;
  }

  /** Writes users and permissions for these raft-nodes (`n1=a1,...`) and the others, and has the broker read them anew. */
  async allowNodes(nodes: string): Promise<void> {
    const { exitCode, stderr } = await run(
      nodeExecutable,
      [
        ...[serviceMain("quorate"), "broker-config", "--cluster", NAME, "--out", this.folder.path],
        ...["--nodes", nodes, "--gateways", "gateway1", "--fanouts", "fanout1"],
        ...["--clients", "app", "--admins", "ops"],
      ],
      { timeoutMs: 20_000 },
    );
    if (exitCode !== 0) throw new Error(`quorate broker-config failed: ${stderr}`);
    const broker = this.#processes.get("broker");
    if (broker === undefined) return;
    process.kill(broker.pid!, "SIGHUP");
    await eventually("the broker to read its configuration anew", { withinMs: WITHIN_MS }, () =>
      this.logOf("broker").includes("Reloaded server configuration"),
    );
  }

  /** @param user Whose secret it is given. */
  startNode(name: string, memberId: string, flags: readonly string[], user = `node-${name}`): KeptProcess {
    return this.#serve(name, [
      ...[nodeExecutable, serviceMain("raft-node"), "--name", name, "--member-id", memberId],
      ...["--cluster", NAME, "--cluster-id", "c1", "--data-dir", join(this.folder.path, name)],
      ...["--log-keep-entries", "10", "--ballast-bytes", "0"],
      ...this.#login(user),
      ...flags,
    ]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { broker, ...others } = Object.fromEntries(this.#processes);
    await Promise.all(Object.values(others).map((kept) => kept.kill()));
    await broker?.kill();
    await this.folder[Symbol.asyncDispose]();
  }

  async #startAll(): Promise<void> {
    mkdirSync(join(this.folder.path, "logs"));
    const founders = "n1=a1,n2=a2,n3=a3";
    await this.allowNodes(founders);
    const config = join(this.folder.path, "broker.conf");
    const listen = `listen: "${new URL(this.brokerUrl).host}"`;
    writeFileSync(config, `${listen}\nmax_payload: 8MB\ninclude "permissions.conf"\n`);
    this.#serve("broker", ["nats-server", "-c", config]);
    for (const [name, id] of founders.split(",").map((one) => one.split("=") as [string, string]))
      this.startNode(name, id, ["--initial-cluster", founders, "--initial-cluster-state", "new"]);
    const names = (name: string): string[] => ["--name", name, "--cluster", NAME];
    const eventSubjects = ["--event-subjects", "on"];
    this.#serve("fanout1", [
      ...[nodeExecutable, serviceMain("watch-fanout"), ...names("fanout1"), ...eventSubjects],
      ...this.#login("fanout-fanout1"),
    ]);
    this.#serve("gateway1", [
      ...[nodeExecutable, serviceMain("kv-gateway"), ...names("gateway1")],
      ...[
        "--listen-client-url",
        `http://${this.address}`,
        "--advertise-client-url",
        `http://${this.address}`,
      ],
      ...this.#login("gateway-gateway1"),
    ]);
  }

  #login(user: string): string[] {
    return ["--nats-url", this.brokerUrl, "--broker-credentials", this.credentials(user)];
  }

  #serve(name: string, command: readonly string[]): KeptProcess {
    const kept = new KeptProcess({ command, logPath: this.#logPath(name) });
    this.#processes.set(name, kept);
    kept.start();
    return kept;
  }

  #logPath(name: string): string {
    return join(this.folder.path, "logs", `${name}.log`);
  }
}
