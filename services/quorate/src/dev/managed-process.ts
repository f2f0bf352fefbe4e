import { spawn, type ChildProcess } from "node:child_process";
import type { Clock, Timer } from "@quorate/base";
import { CommandError } from "../command-error";
import type { ClusterProcess, ProcessStatus } from "./cluster-file";
import type { ProcessLog } from "./process-log";
import type { ProcessPlan } from "./process-plan";
import { RestartPolicy } from "./restart-policy";

export interface ManagedProcessDependencies {
  readonly log: ProcessLog;
  readonly clock: Clock;
  /** Called after each change of status or pid. */
  readonly changed: () => void;
  /** Tells people what happened to it. */
  readonly report: (message: string) => void;
}

/** Exit codes of a raft-node that is not started again: it has fenced itself and waits for an operator, or was removed for ever. */
const LEFT_DOWN: readonly (number | null)[] = [74, 77];
const STOP_GRACE_MS = 5_000;

/**
 * One process of the cluster, run until told otherwise: if it ends by itself it is started again, if someone killed it
 * through `kill` it stays down.
 */
export class ManagedProcess {
  readonly #restarts = new RestartPolicy();
  #child: ChildProcess | undefined;
  #status: ProcessStatus = "killed";
  #restartTimer: Timer | undefined;
  #plan: ProcessPlan;
  /** What runs or ran last: it may have been started by an older plan. */
  #commandLine: readonly string[] = [];

  constructor(
    plan: ProcessPlan,
    private readonly dependencies: ManagedProcessDependencies,
  ) {
    this.#plan = plan;
  }

  get plan(): ProcessPlan {
    return this.#plan;
  }

  get status(): ProcessStatus {
    return this.#status;
  }

  get log(): ProcessLog {
    return this.dependencies.log;
  }

  describe(): ClusterProcess {
    const { service, name, memberId, clientUrl, url } = this.#plan;
    return {
      service,
      name,
      ...(memberId === undefined ? {} : { memberId }),
      ...(this.#child?.pid === undefined ? {} : { pid: this.#child.pid }),
      ...(clientUrl === undefined ? {} : { clientUrl }),
      ...(url === undefined ? {} : { url }),
      status: this.#status,
      command: this.#commandLine,
    };
  }

  /** What to run from the next start on. */
  replan(plan: ProcessPlan): void {
    this.#plan = plan;
  }

  /** @throws {CommandError} It runs already. */
  start(): void {
    if (this.#child !== undefined) throw new CommandError(`${this.plan.name} runs already.`);
    this.#restartTimer?.cancel();
    this.#restarts.reset();
    this.#spawn();
  }

  /** Ends it at once, as a crash would, and keeps it down. @throws {CommandError} It does not run. */
  async kill(): Promise<void> {
    if (this.#status === "restarting") {
      this.#restartTimer?.cancel();
      return this.#become("killed");
    }
    const child = this.#running();
    this.#status = "killed";
    child.kill("SIGKILL");
    await ended(child);
  }

  /** Freezes it: to its peers it looks like a host that hangs. @throws {CommandError} It does not run. */
  pause(): void {
    this.#running().kill("SIGSTOP");
    this.#become("paused");
  }

  /** @throws {CommandError} It is not paused. */
  resume(): void {
    if (this.#status !== "paused") throw new CommandError(`${this.plan.name} is not paused.`);
    this.#running().kill("SIGCONT");
    this.#become("running");
  }

  /** Asks it to end, and ends it after 5 seconds if it has not. Never throws. */
  async stop(): Promise<void> {
    this.#restartTimer?.cancel();
    const child = this.#child;
    this.#status = "killed";
    if (child === undefined) return this.log.close();
    const timer = this.dependencies.clock.setTimer(STOP_GRACE_MS, () => {
      this.dependencies.report(`${this.plan.name} did not stop within ${STOP_GRACE_MS / 1000} s: killed.`);
      child.kill("SIGKILL");
    });
    child.kill("SIGTERM");
    child.kill("SIGCONT"); // a paused process would take the request to end only once resumed
    await ended(child);
    timer.cancel();
    await this.log.close();
  }

  /** Lets it end by itself, which it is about to do, or ends it after `graceMs`; it is not started again. Never throws. */
  async leave(graceMs: number): Promise<void> {
    this.#restartTimer?.cancel();
    const child = this.#child;
    this.#status = "killed";
    if (child !== undefined) {
      const timer = this.dependencies.clock.setTimer(graceMs, () => child.kill("SIGKILL"));
      await ended(child);
      timer.cancel();
    }
    await this.log.close();
  }

  #spawn(): void {
    const { command, args } = this.#plan;
    this.#commandLine = [command, ...args];
    // In a process group of its own, so that Ctrl-C reaches the supervisor alone, which then stops all in order.
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], detached: true });
    this.#child = child;
    this.log.follow(child.stdout);
    this.log.follow(child.stderr);
    child.once("error", (error) => {
      // Not started at all: no "exit" follows.
      if (child.pid === undefined) this.#exited(child, error.message);
    });
    child.once("exit", (code, signal) => {
      this.#exited(child, signal === null ? `exit code ${code}` : signal, !LEFT_DOWN.includes(code));
    });
    this.#become("running");
  }

  #exited(child: ChildProcess, how: string, mayHelp = true): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    if (this.#status === "killed") return this.#become("killed");
    const decision = this.#restarts.exited(this.dependencies.clock.now());
    if (decision.kind === "give-up" || !mayHelp) {
      this.dependencies.report(
        `${this.plan.name} ended (${how}) and is left down: see ${this.log.path}, then \`quorate dev start ${this.plan.name}\`.`,
      );
      return this.#become("failed");
    }
    this.dependencies.report(
      `${this.plan.name} ended (${how}): starting it again in ${decision.delayMs} ms.`,
    );
    this.#restartTimer = this.dependencies.clock.setTimer(decision.delayMs, () => this.#spawn());
    this.#become("restarting");
  }

  #running(): ChildProcess {
    if (this.#child === undefined) throw new CommandError(`${this.plan.name} does not run.`);
    return this.#child;
  }

  #become(status: ProcessStatus): void {
    this.#status = status;
    this.dependencies.changed();
  }
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined)
    return Promise.resolve();
  return new Promise((resolve) => void child.once("exit", () => resolve()));
}
