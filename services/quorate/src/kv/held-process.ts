import { spawn } from "node:child_process";
import { CommandError, messageOf } from "../command-error";
import { exitCodeOf } from "./interruption";

const FORWARDED = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Runs a program on this process's terminal, hands on the signals that this one gets, and asks it to end when `lost` is aborted.
 *
 * @returns Its exit code; 128 and the number of the signal that ended it.
 * @throws {CommandError} It cannot be started.
 */
export function runHeld(
  [program, ...args]: readonly [string, ...string[]],
  environment: Readonly<Record<string, string>>,
  lost: AbortSignal,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: "inherit", env: { ...process.env, ...environment } });
    const forward = (signal: NodeJS.Signals): void => {
      // A terminal sends Ctrl-C to both by itself.
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    };
    const stop = (): void => void child.kill("SIGTERM");
    const done = (): void => {
      for (const signal of FORWARDED) process.off(signal, forward);
      lost.removeEventListener("abort", stop);
    };
    for (const signal of FORWARDED) process.on(signal, forward);
    lost.addEventListener("abort", stop, { once: true });
    if (lost.aborted) stop();
    child.once("error", (cause) => {
      done();
      reject(new CommandError(`Cannot run ${program}: ${messageOf(cause)}`, 1, { cause }));
    });
    child.once("exit", (code, signal) => {
      done();
      resolve(code ?? exitCodeOf(signal ?? "SIGKILL"));
    });
  });
}
