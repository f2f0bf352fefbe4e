import type { HardState } from "@quorate/raft";
import type { Anchor, LogIdentity, LogStorage } from "@quorate/storage";

/**
 * Lets an anchor tell of the cluster that its member belongs to now, and of where its log ends. Without it the member could not
 * start: log and anchor would be of two clusters. An anchor that tells so already is left as it is, and so is none.
 *
 * @throws {StorageWriteError}
 */
export function anchorAnew(
  anchor: Anchor,
  log: Pick<LogStorage, "start" | "last">,
  { clusterId, memberId }: Pick<LogIdentity, "clusterId" | "memberId">,
  { term, vote }: Pick<HardState, "term" | "vote">,
): void {
  const { found } = anchor;
  if (found === undefined || found.clusterId === clusterId) return;
  const { at, chain } = log.last;
  const incarnation = Math.max(log.start.incarnation, found.incarnation);
  anchor.write({ clusterId, memberId, incarnation, term, vote, last: at, chain });
}
