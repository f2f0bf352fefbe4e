import { join } from "node:path";

import type { Operation } from "../checkers/history";
import { parseHistory } from "../checkers/history-file";
import { succeed } from "../harness/child-process";
import { eventually } from "../harness/eventually";
import { repositoryRoot } from "../harness/repository";
import { ClusterContainer } from "./cluster-container";
import type { ContainerCluster } from "./container-cluster";
import { QUORATE_IMAGE } from "./images";
import type { InsideSettings } from "./inside-settings";
import { machineMs } from "./machine-clock";

const PROGRAM = "/opt/inside-client.js";
const RUN_WITHIN_MS = 60_000;

/** Clients in a container of their own, in the private network of a cluster. */
export class InsideClients {
  private constructor(private readonly container: ClusterContainer) {}

  /** @param folder For the program, made one file. @throws {NotInTimeError} They get no answers. */
  static async start(
    cluster: ContainerCluster,
    settings: Omit<InsideSettings, keyof ContainerCluster["inside"] | "cluster">,
    folder: string,
  ): Promise<InsideClients> {
    const program = join(folder, "inside-client.js");
    await succeed(join(repositoryRoot, "node_modules/.bin/esbuild"), [
      join(repositoryRoot, "tests/dist/containers/inside-client.js"),
      ...["--bundle", "--platform=node", "--target=node24", "--log-level=warning", `--outfile=${program}`],
    ]);
    const told: InsideSettings = { ...settings, ...cluster.inside, cluster: cluster.name };
    const container = new ClusterContainer(
      {
        name: "clients",
        image: QUORATE_IMAGE,
        command: ["node", PROGRAM, JSON.stringify(told)],
        files: [[program, PROGRAM]],
      },
      cluster.networks,
    );
    await cluster.add({ container, processes: [] });
    await eventually("clients inside to run", { withinMs: RUN_WITHIN_MS, everyMs: 200 }, async () =>
      (await container.logs()).includes("clients run"),
    );
    return new InsideClients(container);
  }

  /** Ends them. @returns What they did, by the clock of this process. */
  async collected(): Promise<readonly Operation[]> {
    const code = await this.container.stop();
    const logs = await this.container.logs();
    if (code !== 0) throw new Error(`The clients inside ended with ${code}:\n${logs.slice(-2000)}`);
    const { operations } = parseHistory(logs.slice(logs.indexOf("{")));
    const offsetMs = performance.now() - machineMs();
    return operations.map((operation) => ({
      ...operation,
      calledAt: operation.calledAt + offsetMs,
      returnedAt: operation.returnedAt + offsetMs,
    }));
  }
}
