import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Configuration } from "@quorate/raft";
import { StorageIdentityError, type LogFoundation } from "@quorate/storage";
import type { NodeOptions } from "./options";

/** In the data directory, beside the databases `raft/` and `state/`. */
export const ANCHOR_FILE = "anchor";
export const LOG_DIRECTORY = "raft";

/**
 * A member with the state "new" or "join" makes its directory, once. After that the directory is what counts, so the same
 * command starts it again.
 *
 * @throws {StorageIdentityError} the directory is missing or empty, and the member is not new.
 */
export function isNewMember(options: NodeOptions): boolean {
  const { dataDir, initialClusterState } = options;
  if (existsSync(join(dataDir, LOG_DIRECTORY))) return false;
  if (existsSync(join(dataDir, ANCHOR_FILE))) {
    throw new StorageIdentityError(
      `Cannot start ${options.name}: ${dataDir} has an anchor, so a member has lived there, but its log in raft/ is gone. A ` +
        "member that lost its log must not come back under its id: remove it from the cluster and add a new one.",
    );
  }
  if (existsSync(dataDir) && readdirSync(dataDir).length > 0) {
    throw new StorageIdentityError(
      `Cannot use ${dataDir}: it holds other files and no member. Name an empty directory, or one that a member has made.`,
    );
  }
  if (initialClusterState === "existing") {
    throw new StorageIdentityError(
      `Cannot start ${options.name} as a member of an existing cluster: ${dataDir} is empty. A member that lost its ` +
        "directory must not come back under its id; use --initial-cluster-state new only for a cluster that never ran, " +
        "and join only for a member that was just added and never ran.",
    );
  }
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  return true;
}

/** What the log of a new member begins with. */
export function foundation(options: NodeOptions): LogFoundation {
  const { cluster, clusterId, memberId, name, initialCluster, initialClusterState } = options;
  // Who joins knows nobody yet: the log tells it, from the founding on.
  const founders = initialClusterState === "join" ? [] : initialCluster;
  const configuration: Configuration = {
    incoming: founders.map((member) => member.id),
    outgoing: [],
    learners: [],
  };
  const identity = { clusterId, clusterName: cluster, memberId, memberName: name, directoryId: randomUUID() };
  return { identity, configuration };
}
