import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

/** "required": without Docker these suites fail, instead of being skipped. */
const REQUIRED_VARIABLE = "QUORATE_CONTAINERS";
/** Set for the specs by the global setup: why they are skipped, or what it could not do. */
const SKIPPED_VARIABLE = "QUORATE_CONTAINERS_SKIPPED";
const FAILED_VARIABLE = "QUORATE_CONTAINERS_FAILED";

export const isRequired = (): boolean => process.env[REQUIRED_VARIABLE] === "required";

/** Why the suites are skipped; `undefined`: they are not. */
export const skippedBecause = (): string | undefined => process.env[SKIPPED_VARIABLE];

export function skip(reason: string): void {
  process.env[SKIPPED_VARIABLE] = reason;
}

/** Has every spec here fail: an error in the global setup would end the specs of all other folders with it. */
export function fail(reason: string): void {
  process.env[FAILED_VARIABLE] = reason;
}

/** @throws {Error} if the global setup has failed. */
export function checkSetUp(): void {
  const reason = process.env[FAILED_VARIABLE];
  if (reason !== undefined) throw new Error(reason);
}

/** What is missing on this machine for suites in containers, in a few words; `undefined`: nothing. */
export function whatIsMissing(): string | undefined {
  const { status, stderr, error } = spawnSync("docker", ["info", "--format", "{{.ServerVersion}}"], {
    encoding: "utf8",
  });
  if (error !== undefined) return `docker cannot be run (${error.message})`;
  if (status !== 0) return `Docker does not answer (${stderr.trim().split("\n").at(-1) ?? ""})`;
  if (process.getuid?.() !== 0) return "only root may filter packets in the containers' network namespaces";
  const tools = ["nsenter", "iptables", "ip", "tc"].filter((tool) => programOf(tool) === undefined);
  if (tools.length > 0) return `${tools.join(", ")} not found, by which networks are broken`;
  return undefined;
}

/** The path of a program for administrators, which a user's PATH may not name. */
export function programOf(name: string): string | undefined {
  return [...(process.env["PATH"] ?? "").split(":"), "/usr/sbin", "/sbin"]
    .map((folder) => `${folder}/${name}`)
    .find((path) => path !== `/${name}` && existsSync(path));
}
