import { accessSync, constants, existsSync, realpathSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
/** Debian keeps servers where an ordinary user's PATH does not lead. */
const MORE_FOLDERS = ["/bin", "/usr/sbin", "/usr/local/sbin"];

/** The path of a program of this machine, without links; of Node the one that came with the dependencies. */
export function findLocalProgram(name) {
  if (process.platform !== "linux")
    throw new Error("An image runs Linux programs, which are not here: give --base and --broker.");
  const own = join(root, "node_modules/.bin", name);
  if (name === "node") return realpathSync(existsSync(own) ? own : process.execPath);
  const folders = [...(process.env.PATH ?? "").split(":"), ...MORE_FOLDERS];
  const found = folders.map((folder) => join(folder, name)).find(isExecutable);
  if (found === undefined) throw new Error(`${name} is not installed here.`);
  return realpathSync(found);
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
