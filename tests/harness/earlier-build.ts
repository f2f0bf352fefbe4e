import { mkdir, readdir, readlink, symlink } from "node:fs/promises";
import { join } from "node:path";

import { succeed } from "./child-process";
import { nodeExecutable, repositoryRoot } from "./repository";

/** The release point before this one: members that run it must get along with members that run the present build. */
export const earlierCommit = "c369b5f4ce27c5ef22a10332c6eb500a6e8ac3bc";

const services = ["quorate", "raft-node", "kv-gateway", "watch-fanout"];

/** Whether the history here goes back that far: a shallow clone's does not. */
export async function hasCommit(commit: string): Promise<boolean> {
  try {
    return (await git(["cat-file", "-e", `${commit}^{commit}`])) === "";
  } catch {
    return false;
  }
}

/**
 * Builds the services as they were at `commit`, with the packages that are installed now. Types are not checked again.
 *
 * @param folder Where; must not exist.
 * @returns `folder`: a workspace like this one, with services and what they need.
 * @throws {Error} something did not work; what was printed is in the message.
 */
export async function buildEarlier(commit: string, folder: string): Promise<string> {
  await mkdir(folder);
  const archive = `${folder}.tar`;
  await git([
    "archive",
    "--output",
    archive,
    commit,
    "libs",
    "services",
    "proto",
    "infra",
    "tsconfig.base.json",
  ]);
  await succeed("tar", ["-xf", archive, "-C", folder]);
  await linkPackages(folder);
  await succeed(nodeExecutable, [join(folder, "infra/scripts/generate-protos.mjs")]);
  const projects = services.map((service) => join(folder, "services", service));
  const compiler = join(folder, "node_modules/typescript/bin/tsc");
  await succeed(nodeExecutable, [compiler, "-b", "--noCheck", ...projects]);
  return folder;
}

/** The same packages, but for those of the workspace, which are the earlier ones. */
async function linkPackages(folder: string): Promise<void> {
  const own = "@quorate";
  const from = join(repositoryRoot, "node_modules");
  const to = join(folder, "node_modules");
  await mkdir(join(to, own), { recursive: true });
  for (const name of await readdir(from)) if (name !== own) await symlink(join(from, name), join(to, name));
  for (const name of await readdir(join(from, own)))
    await symlink(await readlink(join(from, own, name)), join(to, own, name));
}

function git(args: readonly string[]): Promise<string> {
  return succeed("git", ["-C", repositoryRoot, ...args]);
}
