import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import type { Clock, Timer } from "@quorate/base";
import type { Logger } from "@quorate/telemetry";
import { RestartPolicy } from "../dev/restart-policy";

export interface BrokerProcessOptions {
  /** Path of nats-server, and its arguments. */
  readonly command: readonly [program: string, ...args: string[]];
}

export interface BrokerProcessDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
  /** It ended again and again: starting it does not help. */
  readonly failed: (error: Error) => void;
}

/**
 * Runs the command, and ends it when standard input does, which is when the member's process has ended, however that came about: a
 * broker without its member would keep its port from the next one. A line on standard input makes the broker lame: it announces its
 * end to whoever is still connected, and ends once nobody is.
 */
const TIED_TO_PARENT =
  'exec 3<&0; "$@" 3<&- & broker=$!; ' +
  '{ read -r _ <&3 && kill -USR2 "$broker"; cat <&3 >/dev/null; kill "$broker"; } & guard=$!; ' +
  'wait "$broker"; code=$?; kill "$guard" 2>/dev/null; exit "$code"';
const LINE = /^\[\d+\] \S+ \S+ \[(\w+)\] (.*)$/;
/** How long applications that are connected to it have to go to another broker, in milliseconds. */
const LAME_MS = 1000;
/** How long it may take to end when it is asked to, in milliseconds. */
const STOP_MS = 3000;

/** nats-server as a child of this process: started again when it ends, for as long as that may help. */
export class BrokerProcess {
  readonly #restarts = new RestartPolicy();
  #child: ChildProcess | undefined;
  #timer: Timer | undefined;
  #isStopping = false;

  constructor(
    private readonly options: BrokerProcessOptions,
    private readonly dependencies: BrokerProcessDependencies,
  ) {}

  start(): void {
    const child = spawn("/bin/sh", ["-c", TIED_TO_PARENT, "sh", ...this.options.command], {
      stdio: ["pipe", "pipe", "pipe"],
      detached: true, // Ctrl-C is for the member, which ends it last
    });
    this.#child = child;
    child.stdin.on("error", () => undefined); // it has ended, which is noticed below
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on("line", (line) => this.#log(line));
    child.once("error", (error) => this.dependencies.failed(error));
    child.once("exit", (code, signal) => this.#exited(signal ?? `exit code ${code}`));
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#timer?.cancel();
    const child = this.#child;
    if (child === undefined) return;
    const ended = new Promise<void>((resolve) => void child.once("exit", () => resolve()));
    const { clock } = this.dependencies;
    child.stdin?.write("\n");
    const lame = clock.setTimer(LAME_MS, () => child.stdin?.end());
    const tooLong = clock.setTimer(LAME_MS + STOP_MS, () => process.kill(-child.pid!, "SIGKILL"));
    await ended;
    lame.cancel();
    tooLong.cancel();
  }

  #exited(how: string): void {
    this.#child = undefined;
    if (this.#isStopping) return;
    const { clock, logger, failed } = this.dependencies;
    const decision = this.#restarts.exited(clock.now());
    if (decision.kind === "give-up") return failed(new Error(`the broker ends again and again (${how})`));
    logger.error("the broker ended: starting it again", { how, inMs: decision.delayMs });
    this.#timer = clock.setTimer(decision.delayMs, () => this.start());
  }

  #log(line: string): void {
    const [, level = "", message = line] = LINE.exec(line) ?? [];
    const { logger } = this.dependencies;
    if (level === "ERR" || level === "FTL") logger.error(message);
    else if (level === "INF" || level === "DBG") logger.debug(message);
    else logger.warn(message);
  }
}
