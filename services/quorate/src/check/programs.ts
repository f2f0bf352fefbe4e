import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { messageOf } from "../command-error";
import { findProgram } from "../dev/find-program";
import { failure, ok, warning, type Finding } from "./finding";

/** The oldest that the tests run with. */
const BROKER_OLDEST = [2, 9] as const;
/** As package.json demands. */
const NODE_OLDEST = [20, 19] as const;
const ANSWER_MS = 5000;

/** Whether there is a nats-server for a member to start. */
export function checkBrokerProgram(path = findProgram("nats-server")): Finding {
  if (path === undefined)
    return failure("nats-server", {
      text: "it is not installed, and this member starts one",
      remedy: "Install it, or name brokers that run by --nats-url.",
    });
  try {
    const said = execFileSync(path, ["--version"], { encoding: "utf8", timeout: ANSWER_MS });
    const version = /v?(\d+\.\d+\.\d+)/.exec(said)?.[1] ?? said.trim();
    if (isAtLeast(version, BROKER_OLDEST)) return ok("nats-server", `${version} (${path})`);
    return warning("nats-server", {
      text: `${version} is older than ${BROKER_OLDEST.join(".")}, the oldest that is tested`,
      remedy: "Install a newer one.",
    });
  } catch (error) {
    return failure("nats-server", {
      text: `${path} does not run: ${messageOf(error)}`,
      remedy: "Install it anew.",
    });
  }
}

export function checkNode(version = process.versions.node): Finding {
  if (isAtLeast(version, NODE_OLDEST)) return ok("node", version);
  return failure("node", {
    text: `${version} is older than ${NODE_OLDEST.join(".")}`,
    remedy: "Install a newer one.",
  });
}

/**
 * The storage engine is compiled for processors with AVX2; another one ends the process by an illegal instruction.
 *
 * @param path Of Linux' description; elsewhere nothing is known, and nothing wrong.
 */
export function checkProcessor(path = "/proc/cpuinfo"): Finding {
  if (process.arch !== "x64" || !existsSync(path)) return ok("processor", process.arch);
  const flags = /^flags\s*:(.*)$/m.exec(readFileSync(path, "utf8"))?.[1]?.split(" ") ?? [];
  if (flags.length === 0 || flags.includes("avx2")) return ok("processor", `${process.arch} with AVX2`);
  return failure("processor", {
    text: "it has no AVX2, which the storage engine is compiled for: a member would end by an illegal instruction",
    remedy: "Use another machine, or have the hypervisor pass the processor's features on.",
  });
}

function isAtLeast(version: string, [major, minor]: readonly [number, number]): boolean {
  const [givenMajor = 0, givenMinor = 0] = version.split(".").map(Number);
  return givenMajor > major || (givenMajor === major && givenMinor >= minor);
}
