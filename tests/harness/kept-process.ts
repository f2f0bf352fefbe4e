import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";

import { killAndWait } from "./child-process";

export interface ProcessPlan {
  /** Program and arguments. */
  readonly command: readonly string[];
  /** Takes what the process prints, over all its starts. */
  readonly logPath: string;
  /** Added to the environment. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Exit codes after which starting a raft-node again does not help: damaged, fenced, removed, too old (see its README). */
const LASTING_EXIT_CODES = [73, 74, 77, 78];
const RESTART_AFTER_MS = 300;

/** What must not outlive this process, however it ends. */
const living = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of living) child.kill("SIGKILL");
});

/** A process that is started again when it ends by itself, as a service manager does, and stays down when it was killed. */
export class KeptProcess {
  #plan: ProcessPlan;
  #child: ChildProcess | undefined;
  #isWanted = false;
  #timer: NodeJS.Timeout | undefined;
  #exitCode: number | undefined;
  #isPaused = false;
  /** With which it ended without being told to, each time; `null` for a signal. */
  readonly ownExits: (number | null)[] = [];

  constructor(plan: ProcessPlan) {
    this.#plan = plan;
  }

  get command(): readonly string[] {
    return this.#plan.command;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** With which it ended last, if that was for good. */
  get lastingExitCode(): number | undefined {
    return this.#exitCode;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** What to run from the next start on. */
  replan(change: Partial<ProcessPlan>): void {
    this.#plan = { ...this.#plan, ...change };
  }

  /** Does nothing if it runs. */
  start(): void {
    this.#isWanted = true;
    clearTimeout(this.#timer);
    if (this.#child === undefined) this.#spawn();
  }

  /** Ends it at once, and keeps it down; returns when it is gone. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    this.#isWanted = false;
    clearTimeout(this.#timer);
    const child = this.#child;
    if (child !== undefined) await killAndWait(child, signal);
  }

  /** Does nothing to one that does not run. */
  pause(): void {
    this.#isPaused = this.#child?.kill("SIGSTOP") ?? false;
  }

  resume(): void {
    this.#isPaused = false;
    this.#child?.kill("SIGCONT");
  }

  #spawn(): void {
    const { command, logPath, environment } = this.#plan;
    const [program, ...args] = command as [string, ...string[]];
    const log = openSync(logPath, "a");
    const child = spawn(program, args, {
      stdio: ["ignore", log, log],
      env: { ...process.env, ...environment },
    });
    closeSync(log);
    this.#child = child;
    living.add(child);
    this.#exitCode = undefined;
    child.once("error", () => undefined); // "exit" follows, or its log stays empty: the caller waits for what it does
    child.once("exit", (code) => {
      living.delete(child);
      this.#child = undefined;
      this.#isPaused = false;
      if (!this.#isWanted) return;
      this.ownExits.push(code);
      if (code !== null && LASTING_EXIT_CODES.includes(code)) this.#exitCode = code;
      else this.#timer = setTimeout(() => this.#spawn(), RESTART_AFTER_MS);
    });
  }
}
