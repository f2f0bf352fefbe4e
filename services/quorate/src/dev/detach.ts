import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { CommandError } from "../command-error";
import type { DevOptions } from "./dev-options";

/** What the supervisor in the background tells the command that started it, once. */
export interface StartReport {
  readonly kind: "ready" | "failed";
  readonly text: string;
}

/**
 * Starts the supervisor as a process of its own and waits until its cluster works.
 *
 * @returns The text to print.
 * @throws {CommandError} It failed; nothing is left running.
 */
export async function runDetached(options: DevOptions): Promise<string> {
  const logPath = join(options.dataDir, "logs", "supervisor.log");
  const log = openSync(logPath, "a");
  const flags = [
    "--data-dir",
    options.dataDir,
    "--client-urls",
    options.clientUrls.join(","),
    "--fanouts",
    String(options.fanouts),
    "--event-subjects",
    options.eventSubjects,
    "--supervised",
  ];
  for (const [flag, value] of Object.entries(options.nodeFlags)) flags.push(`--${flag}`, value);
  if (options.natsUrl !== undefined) flags.push("--nats-url", options.natsUrl);
  if (options.brokerPort !== undefined) flags.push("--broker-port", String(options.brokerPort));
  const child = spawn(process.execPath, [process.argv[1] ?? "", "dev", ...flags], {
    detached: true,
    stdio: ["ignore", log, log, "ipc"],
  });
  closeSync(log);
  // Ctrl-C here reaches only this process: the cluster is not to stay behind half started.
  const interrupt = (): void => void child.kill("SIGTERM");
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, interrupt);

  const report = await new Promise<StartReport>((resolve) => {
    child.once("message", (message) => resolve(message as StartReport));
    child.once("error", (error) => resolve({ kind: "failed", text: error.message }));
    child.once("exit", () => resolve({ kind: "failed", text: `The supervisor ended: see ${logPath}.` }));
  });
  if (report.kind === "failed") {
    await gone(child.exitCode === null && child.signalCode === null ? child : undefined);
    throw new CommandError(report.text);
  }
  child.removeAllListeners();
  if (child.connected) child.disconnect();
  child.unref();
  return report.text;
}

/** In the supervisor: reports, and lets go of the command that waits for it. */
export function tellStarter(report: StartReport): void {
  process.removeAllListeners("disconnect");
  process.send?.(report, () => {
    if (process.connected) process.disconnect();
  });
}

function gone(child: ReturnType<typeof spawn> | undefined): Promise<void> {
  if (child === undefined) return Promise.resolve();
  return new Promise((resolve) => void child.once("exit", () => resolve()));
}
