import { closeSync, constants, mkdirSync, openSync, writeSync } from "node:fs";
import { dirname } from "node:path";

import { compileLibrary } from "./preloaded-library";

// Wall clocks of real processes that are set: see tests/faults-shim/clock-jumps.c.

/**
 * What to add to the environment of a process, and so of all that it starts, to give it a wall clock of its own. It goes right until
 * it is set.
 *
 * @param file Names the clock. Made anew; the folder that it stands in need not be there yet.
 */
export function clockEnvironment(file: string): Record<string, string> {
  mkdirSync(dirname(file), { recursive: true });
  setClock(file, 0);
  return { LD_PRELOAD: compileLibrary("clock-jumps"), CLOCK_JUMPS_FILE: file };
}

/** @param aheadMs Of this machine's clock, in milliseconds, whole; behind it if negative. */
export function setClock(file: string, aheadMs: number): void {
  const word = Buffer.alloc(8);
  word.writeBigInt64LE(BigInt(aheadMs));
  const clock = openSync(file, constants.O_RDWR | constants.O_CREAT); // the same file always: processes have mapped it
  try {
    writeSync(clock, word, 0, word.length, 0);
  } finally {
    closeSync(clock);
  }
}
