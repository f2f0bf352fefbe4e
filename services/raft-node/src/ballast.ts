import { randomFillSync } from "node:crypto";
import { existsSync, rmSync, statfsSync, statSync, truncateSync } from "node:fs";
import { open, statfs } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Clock, Timer } from "@quorate/base";
import type { Logger } from "@quorate/telemetry";

/** In the data directory. */
export const BALLAST_FILE = "ballast";

export interface BallastOptions {
  /** Of the member. */
  readonly dataDir: string;
  /** How large the file shall be; 0: there shall be none. */
  readonly ballastBytes: number;
}

export interface BallastDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Bytes that this process may still write on the file system of a folder; that system's own word unless given. */
  readonly freeBytes?: (folder: string) => Promise<number>;
}

/** How often it is looked whether there is room for a ballast, in milliseconds. */
export const BALLAST_LOOK_MS = 10_000;
/** Of what is free the ballast takes this part at the most: it shall not be what fills the disk. */
const PART_OF_FREE_MAX = 1 / 4;
/** Written and synced in steps, so that the syncs of the log wait for no more than one of them. */
const STEP_BYTES = 1024 * 1024;
const STEP_PAUSE_MS = 20;

/**
 * Space kept for the day on which the disk is full: a file of random bytes beside the databases. A member that meets a full disk
 * ends. To open its databases again it needs space, for they write what they recover; that is what `giveUpBallast` makes.
 */
export class Ballast implements AsyncDisposable {
  #timer: Timer | undefined;
  #growing: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(
    private readonly options: BallastOptions,
    private readonly dependencies: BallastDependencies,
  ) {}

  /** Begins to look whether there is room, until it is disposed of. */
  start(): void {
    if (this.options.ballastBytes === 0) return;
    this.#timer = this.dependencies.clock.setTimer(BALLAST_LOOK_MS, () => {
      this.#growing = this.look().finally(() => {
        if (!this.#stopped) this.start();
      });
    });
  }

  /** Makes the ballast as large as it shall be, if there is room. Never throws: a member without one is a member. */
  async look(): Promise<void> {
    const { dataDir, ballastBytes } = this.options;
    const { logger } = this.dependencies;
    const path = join(dataDir, BALLAST_FILE);
    try {
      const missing = ballastBytes - sizeOf(path);
      if (missing <= 0 || (await this.#free()) * PART_OF_FREE_MAX < missing) return;
      if (await this.#grow(path)) logger.info("the ballast is in place", { bytes: ballastBytes });
    } catch (error) {
      logger.warn("the ballast could not be written", { error: error as Error });
      rmSync(path, { force: true });
    }
  }

  /** Ends the step under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#growing;
  }

  /** @returns Whether it is complete: there may be less room than there was, or this process ends. */
  async #grow(path: string): Promise<boolean> {
    const { ballastBytes } = this.options;
    await using file = await open(path, "a", 0o600);
    for (let size = sizeOf(path); size < ballastBytes; size = sizeOf(path)) {
      if (this.#stopped || (await this.#free()) < ballastBytes) return false;
      // Bytes that no file system can compress.
      await file.write(randomFillSync(new Uint8Array(Math.min(STEP_BYTES, ballastBytes - size))));
      await file.datasync();
      await pause(STEP_PAUSE_MS);
    }
    return true;
  }

  #free(): Promise<number> {
    return (this.dependencies.freeBytes ?? freeBytes)(this.options.dataDir);
  }
}

/**
 * Before anything is opened: gives the ballast up if the disk is nearly full, as it is after a stop because of that, and cuts one that
 * shall be smaller.
 */
export function makeRoomAtStart(
  options: BallastOptions,
  dependencies: { readonly logger: Logger; readonly freeBytes?: (folder: string) => number },
): void {
  const { dataDir, ballastBytes } = options;
  const path = join(dataDir, BALLAST_FILE);
  const size = sizeOf(path);
  if (size === 0) return;
  const free = (dependencies.freeBytes ?? freeBytesNow)(dataDir);
  if (free < ballastBytes) return giveUpBallast(dataDir, dependencies.logger);
  if (size > ballastBytes) {
    if (ballastBytes === 0) rmSync(path);
    else truncateSync(path, ballastBytes);
  }
}

/** For a member that cannot even start on a full disk: the next start has this much. Harmless if there is none. */
export function giveUpBallast(dataDir: string, logger: Logger): void {
  const path = join(dataDir, BALLAST_FILE);
  if (!existsSync(path)) return;
  const bytes = sizeOf(path);
  rmSync(path, { force: true });
  logger.error("the disk is nearly full: the ballast is given up, and there is no other; free some space", {
    bytes,
    dataDir,
  });
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

function freeBytesNow(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}
