import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";

import { repositoryRoot } from "./repository";

// Small libraries in C that are loaded into real processes by LD_PRELOAD and stand between them and the system.

/** Paths are kept short enough at the beginning of the sources, which the compiler does not see. */
const FLAGS = [
  "-shared",
  "-fPIC",
  "-O2",
  "-Wall",
  "-Wextra",
  "-Wno-format-truncation",
  "-fvisibility=hidden",
];

/** Whether they can be made here: on Linux, with a C compiler and the headers of its library. */
export function preloadingAvailable(): boolean {
  if (process.platform !== "linux") return false;
  return spawnSync("cc", ["-E", "-"], { input: "#include <stdio.h>\n" }).status === 0;
}

/** `describe`, or a skipped one that says why in one line. */
export function describeWithPreloading(title: string, suite: () => void): void {
  if (preloadingAvailable()) return describe(title, suite);
  process.stderr.write(`Skipped "${title}": it needs Linux and a C compiler (gcc and libc6-dev).\n`);
  describe.skip(title, suite);
}

/**
 * A library, compiled unless that was done before.
 *
 * @param name Of a file in `tests/faults-shim`, without `.c`.
 * @returns Its path.
 * @throws {Error} There is no compiler, or it refuses; its words are in the message.
 */
export function compileLibrary(name: string): string {
  const source = join(repositoryRoot, "tests", "faults-shim", `${name}.c`);
  const version = createHash("sha256").update(readFileSync(source)).digest("hex").slice(0, 16);
  const folder = join(repositoryRoot, "node_modules", ".cache", "quorate-faults-shim");
  const library = join(folder, `${name}-${version}.so`);
  if (existsSync(library)) return library;
  mkdirSync(folder, { recursive: true });
  // Under a name of its own first: another worker may be compiling too.
  const unfinished = join(folder, `${name}-${version}-${process.pid}.so`);
  execFileSync("cc", [...FLAGS, "-o", unfinished, source, "-lpthread", "-ldl"], { stdio: "pipe" });
  renameSync(unfinished, library);
  return library;
}

/** What to add to the environment of a process for all of these at once. */
export function unitedEnvironments(
  environments: readonly Readonly<Record<string, string>>[],
): Record<string, string> {
  const libraries = environments.flatMap(({ LD_PRELOAD }) => LD_PRELOAD ?? []);
  const variables = environments.flatMap((environment) => Object.entries(environment));
  return {
    ...Object.fromEntries(variables),
    ...(libraries.length > 0 && { LD_PRELOAD: libraries.join(":") }),
  };
}
