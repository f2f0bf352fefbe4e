import { existsSync } from "node:fs";
import { join } from "node:path";
import { hexId } from "@quorate/base";
import { SlottedAnchor, StorageIdentityError, type LogIdentity, type LogStorage } from "@quorate/storage";
import type { HardState } from "@quorate/raft";
import { RocksLogStorage } from "@quorate/storage-rocksdb";
import type { Logger } from "@quorate/telemetry";
import type { NodeMember } from "@quorate/wire";
import type { NodeOptions } from "../options";
import { AnchorFile } from "../anchor/anchor-file";
import { ANCHOR_FILE, LOG_DIRECTORY } from "../data-directory";
import { openAppliedState } from "../snapshot/open-applied-state";
import { anchorAnew } from "./anchor-anew";
import { planRefounding } from "./refounding";

/**
 * `--force-new-cluster`, before anything else of the member is opened: makes a survivor of a cluster that has lost its majority for
 * good the only member of a new one. Done once; a later start with the same options finds it done and only says so.
 *
 * @param self What the survivor says of itself.
 * @throws {StorageIdentityError} it cannot or must not be done; nothing was changed.
 */
export async function forceNewCluster(
  options: Pick<NodeOptions, "name" | "memberId" | "cluster" | "clusterId" | "dataDir">,
  self: NodeMember,
  { logger }: { readonly logger: Logger },
): Promise<void> {
  const { name, memberId, cluster, clusterId, dataDir } = options;
  const refuse = (why: string): never => {
    throw new StorageIdentityError(`Cannot make a new cluster of ${name} in ${dataDir}: ${why}.`);
  };
  const directory = join(dataDir, LOG_DIRECTORY);
  if (!existsSync(directory)) refuse("there is no member in it; leave out --force-new-cluster");
  await using log: LogStorage = await RocksLogStorage.open({ directory });
  const { identity, compacted } = log.start;
  if (identity.memberId !== memberId) refuse(`it belongs to member ${hexId(identity.memberId)}`);
  const { position, membership } = await lookAtState(dataDir, compacted.index);

  const plan = planRefounding(
    { start: log.start, position },
    { clusterId, clusterName: cluster, member: self },
  );
  switch (plan.kind) {
    case "refused":
      return refuse(plan.why);
    case "done":
      // The process may have ended between the two.
      reanchor(dataDir, log, identity, log.start.hardState);
      return logger.warn("--force-new-cluster has nothing to do: leave it out, it must not stay on", {
        cluster,
        clusterId: hexId(clusterId),
        from: hexId(plan.from),
      });
    case "due": {
      log.refound(plan.identity, plan.write);
      reanchor(dataDir, log, plan.identity, plan.write.hardState ?? log.start.hardState);
      const lost = membership.members.filter(({ id }) => id !== memberId);
      return logger.error(
        "--force-new-cluster: this member is a cluster of its own now. What the others acknowledged and it did not hold is lost; " +
          "what it held and nobody acknowledged has taken effect. Leave the option out at the next start, and never start the " +
          "others again: delete their data, and add new members",
        {
          cluster,
          clusterId: hexId(clusterId),
          from: hexId(identity.clusterId),
          revision: position.revision,
          entriesOfUnknownOutcomeKept: plan.keptEntries,
          removed: lost.map(({ id }) => hexId(id)).join(" "),
        },
      );
    }
  }
}

function reanchor(
  dataDir: string,
  log: LogStorage,
  identity: LogIdentity,
  hardState: Pick<HardState, "term" | "vote">,
): void {
  using anchor = SlottedAnchor.open(new AnchorFile(join(dataDir, ANCHOR_FILE)));
  anchorAnew(anchor, log, identity, hardState);
}

async function lookAtState(dataDir: string, compacted: Parameters<typeof openAppliedState>[1]) {
  const state = await openAppliedState(dataDir, compacted);
  await using _storage = state.storage;
  const { position, membership } = state.stateMachine;
  return { position, membership };
}
