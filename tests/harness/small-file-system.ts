import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { temporaryFolder, type TemporaryFolder } from "./temporary-folder";

/** `describe` where `smallFileSystem` works: only root may mount one. Elsewhere skipped, in one line. */
export function onLinuxAsRoot(title: string, suite: () => void): void {
  if (process.platform === "linux" && process.getuid?.() === 0) return describe(title, suite);
  process.stderr.write(`Skipped "${title}": to mount a small file system takes Linux and root.\n`);
  describe.skip(title, suite);
}

/** Writes until nothing more fits. */
export function fillUp(path: string): void {
  for (const size of [1024 * 1024, 4096, 1]) {
    const chunk = Buffer.alloc(size);
    try {
      for (;;) writeFileSync(path, chunk, { flag: "a" });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    }
  }
}

/** A folder that is a file system of its own, in memory. */
export async function smallFileSystem(size: string): Promise<TemporaryFolder> {
  const parent = await temporaryFolder("disk");
  const path = join(parent.path, "mount");
  mkdirSync(path);
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", path]);
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      execFileSync("umount", ["-l", path]);
      await parent[Symbol.asyncDispose]();
    },
  };
}
