import { randomBytes } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { CommandError, messageOf } from "../command-error";
import {
  checkWishes,
  newTopology,
  parseTopology,
  topologyText,
  type Topology,
  type TopologyWishes,
} from "./topology";

export interface DataDirectoryOptions extends TopologyWishes {
  /** Absolute. */
  readonly dataDir: string;
  /** Removes what is there, if it is ours to remove. */
  readonly fresh: boolean;
}

/**
 * Makes the directory of a development cluster, or opens the one that is there. No supervisor may run in it.
 *
 * @throws {CommandError} It holds something else, another cluster than asked for, or cannot be written.
 */
export function openDataDirectory(options: DataDirectoryOptions): Topology {
  const { dataDir } = options;
  try {
    if (options.fresh) wipe(dataDir);
    mkdirSync(join(dataDir, "logs"), { recursive: true });
    if (existsSync(topologyPath(dataDir))) {
      const topology = readTopology(dataDir);
      checkWishes(topology, options, dataDir);
      return topology;
    }
    checkUnused(dataDir);
    const topology = newTopology(options, randomId);
    writeTopology(dataDir, topology);
    return topology;
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`Cannot use ${dataDir} as --data-dir: ${messageOf(error)}.`, 1, { cause: error });
  }
}

export function readTopology(dataDir: string): Topology {
  return parseTopology(readFileSync(topologyPath(dataDir), "utf8"), topologyPath(dataDir));
}

/** Notes that the cluster works: from here on a member that has no data has lost it. */
export function markInitialized(dataDir: string): void {
  const topology = readTopology(dataDir);
  if (!topology.initialized) writeTopology(dataDir, { ...topology, initialized: true });
}

export function writeTopology(dataDir: string, topology: Topology): void {
  const path = topologyPath(dataDir);
  writeFileSync(`${path}.tmp`, topologyText(topology));
  renameSync(`${path}.tmp`, path);
}

/** Refuses directories that no `quorate dev` has made: a slip of the finger must not delete somebody's files. */
function wipe(dataDir: string): void {
  if (!existsSync(dataDir)) return;
  if (!statSync(dataDir).isDirectory()) throw new CommandError(`--data-dir ${dataDir} is not a directory.`);
  const names = readdirSync(dataDir);
  if (names.length > 0 && !names.includes("topology.json")) {
    throw new CommandError(
      `${dataDir} was not made by \`quorate dev\`, so --fresh leaves it alone: choose another --data-dir.`,
    );
  }
  for (const name of names) rmSync(join(dataDir, name), { recursive: true, force: true });
}

function checkUnused(dataDir: string): void {
  if (readdirSync(dataDir).some((name) => name !== "logs")) {
    throw new CommandError(`${dataDir} holds other files than a cluster's: choose another --data-dir.`);
  }
}

function randomId(): bigint {
  // 0 means "none" wherever ids are used.
  return randomBytes(8).readBigUInt64BE() || randomId();
}

function topologyPath(dataDir: string): string {
  return join(dataDir, "topology.json");
}
