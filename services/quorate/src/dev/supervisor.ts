import type { Clock } from "@quorate/base";
import { CommandError, messageOf } from "../command-error";
import { writeClusterFile, type ClusterProcess } from "./cluster-file";
import { serveControl, type ControlRequest, type ControlResponse } from "./control";
import { markInitialized } from "./data-directory";
import { ManagedProcess } from "./managed-process";
import { addMember, removeMember } from "./member-changes";
import { accepts, addressOf } from "./ports";
import { ProcessLog } from "./process-log";
import type { ProcessPlan } from "./process-plan";
import { waitUntilReady } from "./readiness";

export interface SupervisorOptions {
  readonly cluster: string;
  readonly dataDir: string;
  readonly natsUrl: string;
  readonly clientUrls: readonly string[];
  readonly controlPath: string;
  /** The processes in the order to start them, by what `topology.json` says at that time. */
  readonly plan: () => readonly ProcessPlan[];
  /** Milliseconds the cluster may take until its first write succeeds. */
  readonly readyTimeoutMs: number;
}

export interface SupervisorDependencies {
  readonly clock: Clock;
  /** Takes every line that a process writes. */
  readonly showLine: (name: string, line: string) => void;
  readonly report: (message: string) => void;
  /** Called once the cluster has taken a write. */
  readonly ready: (processes: readonly ClusterProcess[]) => void;
}

const BROKER_TIMEOUT_MS = 10_000;
/** How long a removed member may go on: until the others do not need its vote any more. */
const LEAVE_GRACE_MS = 10_000;
/** Stopped before what they depend on, and started after it. */
const STOP_ORDER = ["kv-gateway", "watch-fanout", "raft-node", "nats-server"] as const;

/** Runs the processes of a development cluster from start to stop, and does to them what other commands ask for. */
export class Supervisor {
  #processes: readonly ManagedProcess[];
  #changingMembers = false;
  readonly #stopRequested = Promise.withResolvers<undefined>();
  readonly #allStopped = Promise.withResolvers<undefined>();
  #isStopping = false;
  #isEnded = false;

  constructor(
    private readonly options: SupervisorOptions,
    private readonly dependencies: SupervisorDependencies,
  ) {
    this.#processes = options.plan().map((plan) => this.#manage(plan));
  }

  /**
   * Starts everything and returns once all is stopped again, whether asked to or because it did not work.
   *
   * @throws {CommandError} The cluster did not become ready; nothing is left running.
   */
  async run(): Promise<void> {
    await using _control = await serveControl(this.options.controlPath, (request) => this.#handle(request));
    try {
      await this.#startAll();
      await waitUntilReady({ ...this.options, timeoutMs: this.options.readyTimeoutMs }, () =>
        this.#hopeless(),
      );
      this.#markInitialized();
      this.dependencies.ready(this.#describe());
      await this.#stopRequested.promise;
    } catch (error) {
      // Being told to stop while it starts is no failure.
      if (!this.#isStopping) throw error;
    } finally {
      await this.#stopAll();
    }
  }

  requestStop(): void {
    this.#isStopping = true;
    this.#stopRequested.resolve(undefined);
  }

  /** The last resort when this process ends for whatever reason: synchronous, and without asking. */
  killAll(): void {
    for (const { pid } of this.#describe()) {
      if (pid === undefined) continue;
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It has ended by itself.
      }
    }
  }

  async #startAll(): Promise<void> {
    for (const managed of this.#processes) {
      if (this.#isStopping) return;
      managed.start();
      if (managed.plan.service === "nats-server") await this.#brokerListens();
    }
  }

  async #brokerListens(): Promise<void> {
    const { host, port } = addressOf(this.options.natsUrl);
    const deadline = this.dependencies.clock.now() + BROKER_TIMEOUT_MS;
    while (!(await accepts(host, port, 500))) {
      const reason = this.#hopeless();
      if (reason !== undefined) throw new CommandError(reason);
      if (this.dependencies.clock.now() > deadline) {
        throw new CommandError(`The broker did not listen on ${this.options.natsUrl} in time.`);
      }
      await new Promise<void>((resolve) => void this.dependencies.clock.setTimer(50, resolve));
    }
  }

  /** From here on a member that comes back without data is no new one. */
  #markInitialized(): void {
    markInitialized(this.options.dataDir);
    for (const plan of this.options.plan()) this.#find(plan.name)?.replan(plan);
  }

  #manage(plan: ProcessPlan): ManagedProcess {
    const log = new ProcessLog(this.options.dataDir, plan.name, this.dependencies.showLine);
    const { clock, report } = this.dependencies;
    return new ManagedProcess(plan, { log, clock, report, changed: () => this.#record() });
  }

  #find(name: string): ManagedProcess | undefined {
    return this.#processes.find(({ plan }) => plan.name === name);
  }

  /** One at a time. @returns What to tell. @throws {CommandError} It was not done. */
  async #changeMembers(request: ControlRequest): Promise<string> {
    if (this.#changingMembers) throw new CommandError("Another member is being added or removed.");
    this.#changingMembers = true;
    try {
      if (request.command === "add") {
        return await addMember(this.options, request.learner ?? false, () => this.#startPlanned());
      }
      const name = request.name ?? "";
      return await removeMember(this.options, name, () => this.#retire(name));
    } finally {
      this.#changingMembers = false;
    }
  }

  /** Starts what the plan has and does not run yet. */
  #startPlanned(): void {
    const added = this.options.plan().filter(({ name }) => this.#find(name) === undefined);
    const started = added.map((plan) => this.#manage(plan));
    this.#processes = [...this.#processes, ...started];
    for (const managed of started) managed.start();
  }

  /** Ends a removed member, and starts the gateways anew that stood for it. */
  async #retire(name: string): Promise<void> {
    await this.#find(name)?.leave(LEAVE_GRACE_MS);
    this.#processes = this.#processes.filter(({ plan }) => plan.name !== name);
    for (const plan of this.options.plan()) {
      const managed = this.#find(plan.name);
      const isRehomed = plan.service === "kv-gateway" && managed?.plan.args.join() !== plan.args.join();
      managed?.replan(plan);
      if (!isRehomed || managed?.status !== "running") continue;
      await managed.kill();
      managed.start();
    }
    this.#record();
  }

  /** Why waiting for the cluster to work is in vain, if it is. */
  #hopeless(): string | undefined {
    if (this.#isStopping) return "It was stopped before it was ready.";
    const failed = this.#processes.find((managed) => managed.status === "failed");
    if (failed === undefined) return undefined;
    const lines = failed.log.recent.map((line) => `  ${line}`).join("\n");
    return `${failed.plan.name} does not stay up. Its last words (all of them are in ${failed.log.path}):\n${lines}`;
  }

  async #stopAll(): Promise<void> {
    this.#isStopping = true;
    for (const service of STOP_ORDER) {
      const group = this.#processes.filter((managed) => managed.plan.service === service);
      await Promise.all(group.map((managed) => managed.stop()));
    }
    this.#isEnded = true;
    this.#record();
    this.#allStopped.resolve(undefined);
  }

  async #handle(request: ControlRequest): Promise<ControlResponse> {
    if (request.command === "stop") {
      this.requestStop();
      await this.#allStopped.promise;
      return { ok: true, message: `Stopped ${this.#processes.length} processes.` };
    }
    if (request.command === "status") return { ok: true, message: JSON.stringify(this.#describe()) };
    if (request.command === "add" || request.command === "remove") {
      if (this.#isStopping) return { ok: false, message: "The cluster is being stopped." };
      try {
        return { ok: true, message: await this.#changeMembers(request) };
      } catch (error) {
        return { ok: false, message: messageOf(error) };
      }
    }
    const managed = this.#find(request.name ?? "");
    if (managed === undefined) {
      const names = this.#processes.map(({ plan }) => plan.name).join(", ");
      return { ok: false, message: `There is no "${request.name ?? ""}" here: choose from ${names}.` };
    }
    if (this.#isStopping) return { ok: false, message: "The cluster is being stopped." };
    try {
      return { ok: true, message: await perform(request.command, managed) };
    } catch (error) {
      return { ok: false, message: messageOf(error) };
    }
  }

  #describe(): ClusterProcess[] {
    return this.#processes.map((managed) => managed.describe());
  }

  #record(): void {
    const { cluster, natsUrl, controlPath } = this.options;
    const supervisor = { pid: process.pid, control: controlPath };
    writeClusterFile(this.options.dataDir, {
      cluster,
      natsUrl,
      processes: this.#isEnded ? [] : this.#describe(),
      ...(this.#isEnded ? {} : { supervisor }),
    });
  }
}

async function perform(
  command: Exclude<ControlRequest["command"], "stop" | "status" | "add" | "remove">,
  managed: ManagedProcess,
): Promise<string> {
  const { name } = managed.plan;
  switch (command) {
    case "kill":
      await managed.kill();
      return `Killed ${name}; \`quorate dev start ${name}\` brings it back.`;
    case "pause":
      managed.pause();
      return `Paused ${name}; \`quorate dev resume ${name}\` lets it go on.`;
    case "resume":
      managed.resume();
      return `Resumed ${name}.`;
    case "start":
      managed.start();
      return `Started ${name}.`;
    default:
      throw new CommandError(`The supervisor does not know the command ${JSON.stringify(command)}.`);
  }
}
