/** How often the line is written anew, in milliseconds. */
const EVERY_MS = 200;

/** One line on a terminal that tells how far something is; nothing where no terminal is. */
export class Progress {
  #what = "";
  #done = 0;
  #total = 0;
  #shownAt = 0;

  constructor(private readonly output: Pick<NodeJS.WriteStream, "isTTY" | "write">) {}

  add(what: string, count: number, total: number): void {
    this.#what = what;
    this.#done += count;
    this.#total = total;
    const now = Date.now();
    if (now - this.#shownAt < EVERY_MS) return;
    this.#shownAt = now;
    this.#show();
  }

  /** What follows counts from 0 again. */
  end(): void {
    if (this.#done > 0) this.#show("\n");
    this.#done = 0;
  }

  #show(after = ""): void {
    if (!this.output.isTTY) return;
    const percent = this.#total === 0 ? 100 : Math.floor((this.#done * 100) / this.#total);
    this.output.write(`\r${this.#done} of ${this.#total} keys ${this.#what} (${percent} %)${after}`);
  }
}
