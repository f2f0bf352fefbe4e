import { realpathSync } from "node:fs";
import { join } from "node:path";

import { diskFaultsEnvironment } from "./disk-faults";
import { losePower, type PowerLoss } from "./power-loss";
import { QuorateCluster, type QuorateOptions } from "./quorate-cluster";
import { temporaryFolder } from "./temporary-folder";

/** A cluster whose processes see faulty disks: `diskOf` is one for the functions of disk-faults.ts and power-loss.ts. */
export async function startOnFaultyDisks(options: QuorateOptions): Promise<QuorateCluster> {
  const folder = options.folder ?? (await temporaryFolder("faulty-disks"));
  const root = join(realpathSync(folder.path), "data");
  const environment = { ...options.environment, ...diskFaultsEnvironment(root) };
  return await QuorateCluster.start({ ...options, folder, environment });
}

/** The data directory of a member. */
export function diskOf(cluster: QuorateCluster, name: string): string {
  return join(cluster.dataDir, name);
}

/**
 * Takes the power of some members away in one moment. They stay down: `cluster.tell("start", name)` brings them back.
 *
 * @returns What was lost, in bytes and names of files.
 */
export async function cutPower(
  cluster: QuorateCluster,
  names: readonly string[],
  loss: PowerLoss = {},
): Promise<{ bytes: number; names: number }> {
  // Frozen together first: killing takes a command for each.
  for (const name of names) {
    const { pid } = cluster.process(name);
    if (pid !== undefined) process.kill(pid, "SIGSTOP");
  }
  for (const name of names) await cluster.tell("kill", name);
  const lost = names.map((name) => losePower(diskOf(cluster, name), loss));
  return {
    bytes: lost.reduce((sum, { bytes }) => sum + bytes, 0),
    names: lost.reduce((sum, each) => sum + each.names, 0),
  };
}
