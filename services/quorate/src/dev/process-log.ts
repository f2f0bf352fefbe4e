import { createWriteStream, renameSync, statSync, type WriteStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

const FILE_BYTES_MAX = 16 * 1024 * 1024;
const RECENT_LINES_MAX = 20;

/** The output of one process: all of it in `logs/<name>.log`, each line to whoever shows it, the last ones kept. */
export class ProcessLog {
  readonly path: string;
  readonly #name: string;
  readonly #show: (name: string, line: string) => void;
  readonly #recent: string[] = [];
  #file: WriteStream | undefined;

  constructor(dataDir: string, name: string, show: (name: string, line: string) => void) {
    this.#name = name;
    this.#show = show;
    this.path = join(dataDir, "logs", `${name}.log`);
  }

  /** The last lines, oldest first: what a process said before it ended. */
  get recent(): readonly string[] {
    return this.#recent;
  }

  follow(output: Readable): void {
    createInterface({ input: output, crlfDelay: Infinity }).on("line", (line) => this.#line(line));
  }

  close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    return file === undefined ? Promise.resolve() : new Promise((resolve) => void file.end(resolve));
  }

  #line(line: string): void {
    this.#file ??= this.#open();
    this.#file.write(`${line}\n`);
    this.#recent.push(line);
    if (this.#recent.length > RECENT_LINES_MAX) this.#recent.shift();
    this.#show(this.#name, line);
  }

  /** A file that has grown large becomes `.log.1` when it is opened again, in place of an older one. */
  #open(): WriteStream {
    const size = statSync(this.path, { throwIfNoEntry: false })?.size ?? 0;
    if (size > FILE_BYTES_MAX) renameSync(this.path, `${this.path}.1`);
    const file = createWriteStream(this.path, { flags: "a" });
    // A full disk must not end the supervisor: it is what stops the processes that filled it.
    file.on("error", () => undefined);
    return file;
  }
}
