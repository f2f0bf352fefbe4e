import { spawn, type ChildProcess } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";

import { CapturedOutput, killAndWait, run, type Finished } from "./child-process";
import { freePorts } from "./ports";
import { nodeExecutable, serviceMain } from "./repository";
import { temporaryFolder, type TemporaryFolder } from "./temporary-folder";

export interface MemberPlan {
  readonly name: string;
  /** `host:port` of its gateway. */
  readonly address: string;
  readonly peerUrl: string;
  readonly dataDir: string;
  /** The command line after `quorate member`. */
  readonly flags: readonly string[];
}

export interface MemberClusterOptions {
  /** How many found it. */
  readonly members: number;
  /** For every member. */
  readonly flags?: readonly string[];
  readonly isEncrypted?: boolean;
  /** Path of what is run; of this build unless told. */
  readonly program?: string;
}

const TOKEN = "stacked";

/** Members as they are deployed stacked: each one `quorate member` process with a broker of its own. None runs at first. */
export class MemberCluster implements AsyncDisposable {
  readonly #running = new Map<string, { readonly child: ChildProcess; readonly output: CapturedOutput }>();

  private constructor(
    private readonly folder: TemporaryFolder,
    readonly plans: readonly MemberPlan[],
    private readonly options: MemberClusterOptions,
  ) {}

  /** @param spare Members that may join later, planned as well. */
  static async plan(options: MemberClusterOptions, spare = 0): Promise<MemberCluster> {
    const folder = await temporaryFolder("members");
    const ports = await freePorts((options.members + spare) * 3);
    const scheme = options.isEncrypted === true ? "https" : "http";
    const places = Array.from({ length: options.members + spare }, (_, at) => ({
      name: `m${at + 1}`,
      address: `127.0.0.1:${ports[3 * at]}`,
      peerUrl: `${scheme}://127.0.0.1:${ports[3 * at + 1]}`,
      natsUrl: `nats://127.0.0.1:${ports[3 * at + 2]}`,
    }));
    const named = (count: number): string =>
      places
        .slice(0, count)
        .map(({ name, peerUrl }) => `${name}=${peerUrl}`)
        .join();
    const plans = places.map(({ name, address, peerUrl, natsUrl }, at) => {
      const dataDir = join(folder.path, name);
      const clientUrl = `${scheme}://${address}`;
      const isFounder = at < options.members;
      return {
        name,
        address,
        peerUrl,
        dataDir,
        flags: [
          ...["--name", name, "--data-dir", dataDir, "--initial-cluster-token", TOKEN],
          ...["--listen-client-urls", clientUrl, "--advertise-client-urls", clientUrl],
          ...["--listen-peer-urls", peerUrl, "--initial-advertise-peer-urls", peerUrl],
          ...["--initial-cluster", named(isFounder ? options.members : at + 1)],
          ...["--initial-cluster-state", isFounder ? "new" : "existing"],
          ...["--listen-nats-url", natsUrl],
          ...(options.flags ?? []),
        ],
      };
    });
    return new MemberCluster(folder, plans, options);
  }

  /** Of those that found the cluster. */
  get founders(): readonly string[] {
    return this.plans.slice(0, this.options.members).map(({ name }) => name);
  }

  planOf(name: string): MemberPlan {
    return this.plans.find((plan) => plan.name === name)!;
  }

  /** @param more Flags that win over those of the plan. */
  start(name: string, ...more: readonly string[]): void {
    const args = [this.#program, "member", ...this.planOf(name).flags, ...more];
    const child = spawn(nodeExecutable, args, { stdio: ["ignore", "pipe", "pipe"] });
    this.#running.set(name, { child, output: new CapturedOutput(child) });
  }

  startFounders(): void {
    for (const name of this.founders) this.start(name);
  }

  /** What it has logged since it was started last. */
  logOf(name: string): string {
    const output = this.#running.get(name)?.output;
    return `${output?.stdout ?? ""}${output?.stderr ?? ""}`;
  }

  pidOf(name: string): number | undefined {
    return this.#running.get(name)?.child.pid;
  }

  /** Waits until it has ended by itself. @returns Its exit code. */
  async ended(name: string): Promise<number | null> {
    const { child } = this.#running.get(name)!;
    if (child.exitCode === null && child.signalCode === null)
      await new Promise((resolve) => void child.once("exit", resolve));
    return child.exitCode;
  }

  /** As a host that loses its power: its broker goes with it. */
  async kill(name: string): Promise<void> {
    await killAndWait(this.#running.get(name)!.child);
  }

  /** @returns The exit code. */
  async stop(name: string): Promise<number | null> {
    const { child } = this.#running.get(name)!;
    await killAndWait(child, "SIGTERM");
    return child.exitCode;
  }

  async wipe(name: string): Promise<void> {
    await rm(this.planOf(name).dataDir, { recursive: true });
  }

  /** Runs a member to its end, which is expected to come soon. */
  runToEnd(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Finished> {
    return run(nodeExecutable, [this.#program, "member", ...args], {
      timeoutMs: 60_000,
      environment,
    });
  }

  get #program(): string {
    return this.options.program ?? serviceMain("quorate");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#running.values()].map(({ child }) => killAndWait(child)));
    await this.folder[Symbol.asyncDispose]();
  }
}
