import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

/** The folder that holds the workspace. Found by walking up, because this file also runs from `tests/dist`. */
export const repositoryRoot = ((): string => {
  let folder = __dirname;
  while (!existsSync(join(folder, "nx.json"))) {
    if (folder === dirname(folder)) throw new Error(`Cannot find the workspace root above ${__dirname}`);
    folder = dirname(folder);
  }
  return folder;
})();

/** The pinned Node that the services run on; the `node` of the caller's PATH may be another version. */
export const nodeExecutable = join(repositoryRoot, "node_modules", ".bin", "node");

/** The compiled entry point of a service, of this build unless told. */
export function serviceMain(service: string, root = repositoryRoot): string {
  return join(root, "services", service, "dist", "main.js");
}
