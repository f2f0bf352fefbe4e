import { constants } from "node:os";
import { QuorateError } from "@quorate/client";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Runs `work` with a signal that is aborted, once, when the user or the system asks the process to end. Until `work` is done
 * nothing else ends it, so that it can give back what it holds.
 *
 * @returns What `work` returned; if it was cancelled by that, 128 and the signal's number, as shells report it.
 */
export async function interruptible(work: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const abort = new AbortController();
  let exitCode = 0;
  const interrupt = (name: NodeJS.Signals): void => {
    exitCode = exitCodeOf(name);
    abort.abort();
  };
  for (const name of SIGNALS) process.on(name, interrupt);
  try {
    return await work(abort.signal);
  } catch (error) {
    const isAnswer = error instanceof QuorateError && error.code === "CANCELLED";
    if (abort.signal.aborted && isAnswer) return exitCode;
    throw error;
  } finally {
    for (const name of SIGNALS) process.off(name, interrupt);
  }
}

/** How a shell reports the end of a process by a signal. */
export function exitCodeOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}

/** Resolves when one of them is aborted. */
export function anyAborted(...signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    const any = AbortSignal.any([...signals]);
    if (any.aborted) resolve();
    else any.addEventListener("abort", () => resolve(), { once: true });
  });
}
