import { spawn, type ChildProcess } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { CapturedOutput, isRunning } from "../harness/child-process";
import { eventually } from "../harness/eventually";

/** A block of commands on a page, and what the page says that they print. */
export interface Step {
  /** The first command, for messages. */
  readonly title: string;
  readonly commands: string;
  /** `undefined` if the page shows no output. */
  readonly expected: string | undefined;
}

const FENCE = /^```(\w*)\n(.*?)^```$/gms;

/** The `sh` blocks of a page in their order; a `text` block belongs to the one before it. */
export function stepsOf(page: string): Step[] {
  const steps: Step[] = [];
  for (const [, language, content = ""] of page.matchAll(FENCE)) {
    const last = steps.at(-1);
    if (language === "sh") {
      const title = content.split("\n").find((line) => line !== "" && !line.startsWith("#")) ?? "";
      steps.push({ title, commands: content, expected: undefined });
    } else if (language === "text" && last?.expected === undefined && last !== undefined) {
      steps[steps.length - 1] = { ...last, expected: content };
    }
  }
  return steps;
}

/** The lines of `expected` that `output` lacks: all must be there, in this order; `…` stands for anything in a line. */
export function missingLines(expected: string, output: string): string[] {
  const left = expected.split("\n").filter((line) => line.trim() !== "");
  for (const line of output.split("\n")) if (left[0] !== undefined && matches(left[0], line)) left.shift();
  return left;
}

function matches(pattern: string, line: string): boolean {
  const literal = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const source = pattern
    .trim()
    .split(/\s+/)
    .map((word) => word.split("…").map(literal).join(".*"));
  return new RegExp(`^\\s*${source.join("\\s+")}\\s*$`).test(line);
}

export interface ShellOptions {
  /** Where commands are run. */
  readonly directory: string;
  /** For files of its own. */
  readonly scratch: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** A command of a page failed, or did not end. */
export class StepError extends Error {
  override readonly name = "StepError";
}

/**
 * One bash for a whole page, so that later blocks see the variables, functions and background jobs of earlier ones. It stops at
 * the first command that fails. Disposing of it ends whatever it has left running.
 */
export class WalkThroughShell implements AsyncDisposable {
  readonly #options: ShellOptions;
  readonly #bash: ChildProcess;
  readonly #output: CapturedOutput;
  #steps = 0;

  constructor(options: ShellOptions) {
    this.#options = options;
    // A process group of its own, for background jobs to be found by.
    this.#bash = spawn("bash", ["-euo", "pipefail"], {
      cwd: options.directory,
      env: { ...process.env, ...options.environment },
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
    });
    this.#output = new CapturedOutput(this.#bash);
    this.#bash.stdin!.on("error", () => undefined); // it has ended, which `run` reports
    this.#bash.stdin!.write("exec 2>&1\n");
  }

  /** @returns What the commands printed. @throws {StepError} one of them failed, or did not end in time. */
  async run(step: Step, withinMs: number): Promise<string> {
    this.#steps += 1;
    const file = join(this.#options.scratch, `step-${this.#steps}.sh`);
    const end = `end of step ${this.#steps}`;
    writeFileSync(file, step.commands);
    const before = this.#output.stdout.length;
    // From a file: commands that read their input would read the next commands.
    this.#bash.stdin!.write(`source ${file} < /dev/null\nprintf '%s\\n' "${end}"\n`);
    const printed = (): string => this.#output.stdout.slice(before);
    const ended = await eventually(`"${step.title}" to end`, { withinMs }, () => {
      if (printed().includes(end)) return "done";
      return this.#bash.exitCode !== null && "failed";
    }).catch(() => "late");
    if (ended !== "done")
      throw new StepError(`"${step.title}" ${ended === "late" ? "does not end" : "failed"}\n${printed()}`);
    return printed().split(end)[0]!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const group = this.#bash.pid;
    if (group === undefined) return;
    try {
      process.kill(-group, "SIGKILL");
    } catch {
      return; // nothing of it runs any more
    }
    await eventually("the shell to end", { withinMs: 10_000 }, () => !isRunning(group));
  }
}
