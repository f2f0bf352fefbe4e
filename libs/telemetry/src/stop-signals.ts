import { constants } from "node:os";
import type { Logger } from "./logger";

/**
 * How soon a further signal is still the same wish, in milliseconds: Ctrl-C reaches a whole process group, and whoever started the
 * process (npm, a supervisor) may pass it on as well.
 */
const SAME_WISH_MS = 500;

/**
 * SIGTERM and SIGINT: the first asks for an orderly end, a later one ends the process at once, with 128 and the signal's number.
 *
 * @param asked Called once.
 */
export function onStopSignals(logger: Logger, asked: (signal: NodeJS.Signals) => void): void {
  let askedAt: number | undefined;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      const now = performance.now();
      if (askedAt === undefined) {
        askedAt = now;
        return asked(signal);
      }
      if (now - askedAt < SAME_WISH_MS) return;
      logger.warn("ending at once: asked a second time", { signal });
      process.exit(128 + constants.signals[signal]);
    });
  }
}
