import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";

import { CapturedOutput, killAndWait, run, type Finished } from "./child-process";
import type { QuorateCluster } from "./quorate-cluster";

/**
 * Runs processes of a cluster from another build than the cluster's own: each in place of one that was killed, with its
 * options and data. The cluster's supervisor knows nothing of them; `cluster.tell("start", …)` goes back to its own build.
 */
export class OtherBuild implements AsyncDisposable {
  readonly #children = new Map<string, { readonly child: ChildProcess; readonly output: CapturedOutput }>();

  /** @param root A workspace with compiled services. */
  constructor(
    private readonly root: string,
    private readonly cluster: QuorateCluster,
  ) {}

  start(name: string): void {
    const [program = "", ...args] = this.#command(name);
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    this.#children.set(name, { child, output: new CapturedOutput(child) });
  }

  /** Runs a process to its end, which it must find by itself. */
  run(name: string): Promise<Finished> {
    const [program = "", ...args] = this.#command(name);
    return run(program, args, { timeoutMs: 20_000 });
  }

  /** Ends a process that this build has started. @returns What it has printed. */
  async end(name: string, signal: "SIGKILL" | "SIGTERM"): Promise<string> {
    const running = this.#children.get(name);
    if (running === undefined) throw new Error(`${name} does not run from ${this.root}`);
    await killAndWait(running.child, signal);
    this.#children.delete(name);
    return running.output.stdout + running.output.stderr;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of [...this.#children.keys()]) await this.end(name, "SIGKILL");
  }

  #command(name: string): string[] {
    const { service, command } = this.cluster.process(name);
    const main = join("services", service, "dist", "main.js");
    return command.map((word) => (word.endsWith(main) ? join(this.root, main) : word));
  }
}
