import { spawn, type ChildProcess } from "node:child_process";

/** What a program that ran to its end left behind. */
export interface Finished {
  /** `null` if a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Given to the program, whose input then ends. */
  readonly input?: string;
  /** Milliseconds after which the program is killed. */
  readonly timeoutMs: number;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Runs a program to its end. A failure of the program is a result, not an exception; a missing program is one. */
export function run(program: string, args: readonly string[], options: RunOptions): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, ...options.environment },
      timeout: options.timeoutMs,
      killSignal: "SIGKILL",
    });
    const output = new CapturedOutput(child);
    child.once("error", reject);
    child.stdin.on("error", () => undefined); // the program may end without reading its input
    child.stdin.end(options.input ?? "");
    // "close", not "exit": only then everything that it printed has been read.
    child.once("close", (exitCode, signal) => {
      resolve({ exitCode, signal, stdout: output.stdout, stderr: output.stderr });
    });
  });
}

const buildMaxMs = 180_000;

/** Runs a program that must succeed: a compiler, git, docker. @returns What it printed. @throws {Error} with what it printed. */
export async function succeed(program: string, args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await run(program, args, { timeoutMs: buildMaxMs });
  if (exitCode !== 0)
    throw new Error(`${program} ${args.join(" ")} failed (${exitCode})\n${stdout}${stderr}`);
  return stdout;
}

/** Collects what a child prints, to be shown when a test fails. Keeps the last 256 KiB of each stream. */
export class CapturedOutput {
  stdout = "";
  stderr = "";

  constructor(child: ChildProcess) {
    child.stdout
      ?.setEncoding("utf8")
      .on("data", (text: string) => (this.stdout = keepTail(this.stdout + text)));
    child.stderr
      ?.setEncoding("utf8")
      .on("data", (text: string) => (this.stderr = keepTail(this.stderr + text)));
  }
}

const keptCharacters = 256 * 1024;

function keepTail(text: string): string {
  return text.length > keptCharacters ? text.slice(-keptCharacters) : text;
}

/** Ends a process at once and waits until it is gone. Harmless for one that has already ended. */
export async function killAndWait(child: ChildProcess, signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  await gone;
}

/** True while a process with this id exists and is not a zombie waiting for its parent. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
