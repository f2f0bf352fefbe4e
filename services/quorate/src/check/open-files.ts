import { existsSync, readFileSync } from "node:fs";
import { ok, warning, type Finding } from "./finding";

/** Tables and logs of two databases, and a connection per client. */
const FILES_MIN = 4096;

/** How many files and connections this user's processes may have open. @param path Linux' list of limits. */
export function checkOpenFiles(path = "/proc/self/limits"): Finding {
  const given = existsSync(path)
    ? /^Max open files\s+(\S+)/m.exec(readFileSync(path, "utf8"))?.[1]
    : undefined;
  if (given === undefined) return ok("open files", "the limit is not known");
  if (given === "unlimited" || Number(given) >= FILES_MIN) return ok("open files", given);
  return warning("open files", {
    text: `${given} files and connections may be open, and each client takes one: further ones are turned away`,
    remedy: `ulimit -n ${16 * FILES_MIN}, or LimitNOFILE= in the unit.`,
  });
}
