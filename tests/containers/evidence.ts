import { mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { keepHistory } from "../checkers/history-file";
import { EMPTY_RUN, type RecordedRun } from "../checkers/recorded-run";
import type { ContainerCluster } from "./container-cluster";

const LINES_SHOWN = 15;

/** Does something to a cluster; if it fails, the error also says where everything is kept, and shows the last lines of all containers. */
export async function orKeepEvidence<T>(
  cluster: ContainerCluster,
  act: () => Promise<T>,
  known: () => { readonly run: Partial<RecordedRun>; readonly journal: readonly string[] } = () => ({
    run: { title: cluster.name },
    journal: [],
  }),
): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const { run, journal } = known();
    throw new Error(`${String(error)}\n${await keepEvidence(cluster, run, journal)}`, { cause: error });
  }
}

/**
 * Keeps what is left of a trial that failed, in the folder `QUORATE_CONTAINERS_EVIDENCE`, or one for temporary files: what clients
 * saw, what was done, and what all containers have printed.
 *
 * @returns Where, and the last lines of each container.
 */
async function keepEvidence(
  cluster: ContainerCluster,
  run: Partial<RecordedRun>,
  journal: readonly string[],
): Promise<string> {
  const parent = process.env["QUORATE_CONTAINERS_EVIDENCE"] ?? join(tmpdir(), "quorate-containers");
  const folder = join(parent, `${cluster.name}-${new Date().toISOString().replaceAll(/[:.]/g, "-")}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "journal.txt"), `${journal.join("\n")}\n`);
  const shown: string[] = [];
  for (const container of cluster.containers) {
    const log = await container.logs().catch((error: unknown) => `no logs: ${String(error)}`);
    writeFileSync(join(folder, `${container.name}.log`), log);
    const lines = log.trimEnd().split("\n").slice(-LINES_SHOWN);
    // Clients inside print their whole history.
    if (container.name !== "clients") shown.push(`-- last lines of ${container.name}`, ...lines);
  }
  const check = keepHistory({ ...EMPTY_RUN, ...run });
  return [...shown, `All logs are in ${folder}; the history so far: ${check}`].join("\n");
}
