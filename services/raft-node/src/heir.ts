import type { LogIndex, MemberId, RaftStatus } from "@quorate/raft";

/**
 * To whom a leader gives its leadership: the voter that answers and holds most of the log; none that needs a snapshot, for it may
 * not lead.
 *
 * @param synced What the heir must have synced.
 * @returns `undefined` if this member does not lead, or nobody can take it.
 */
export function heirOf(
  { role, peers, configuration }: Pick<RaftStatus, "role" | "peers" | "configuration">,
  synced: LogIndex,
): MemberId | undefined {
  if (role !== "leader") return undefined;
  const heirs = peers.filter(
    ({ member, active, state, match }) =>
      active && state !== "snapshot" && match >= synced && configuration.incoming.includes(member),
  );
  return heirs.sort((a, b) => b.match - a.match)[0]?.member;
}
