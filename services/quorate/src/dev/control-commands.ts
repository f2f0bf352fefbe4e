import { CommandError } from "../command-error";
import { readClusterFile } from "./cluster-file";
import { askSupervisor, controlPath, isControlled, type ControlRequest } from "./control";
import { endLeftovers } from "./leftovers";
import { processTable } from "./summary";

/** Has the supervisor of `dataDir` do something. @returns What to print. @throws {CommandError} It did not. */
export async function controlCommand(dataDir: string, request: ControlRequest): Promise<string> {
  const path = readClusterFile(dataDir)?.supervisor?.control ?? controlPath(dataDir);
  if (!(await isControlled(path))) {
    if (request.command === "stop") {
      const left = await endLeftovers(readClusterFile(dataDir));
      if (left.length > 0)
        return `The supervisor was gone; ended what it had left running: ${left.join(", ")}.`;
    }
    throw new CommandError(
      `No development cluster runs in ${dataDir}: start one with \`quorate dev\`, or name its --data-dir.`,
    );
  }
  const response = await askSupervisor(path, request);
  if (!response.ok) throw new CommandError(response.message);
  return response.message;
}

/** @returns A table of what runs. @throws {CommandError} No supervisor runs. */
export async function devStatusCommand(dataDir: string): Promise<string> {
  await controlCommand(dataDir, { command: "status" });
  const file = readClusterFile(dataDir);
  if (file === undefined) throw new CommandError(`${dataDir}/cluster.json cannot be read.`);
  return `Cluster "${file.cluster}", broker ${file.natsUrl}\n${processTable(file.processes)}`;
}
