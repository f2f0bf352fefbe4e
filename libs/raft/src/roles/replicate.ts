import { entrySize } from "../log/entry-size";
import type { Peer } from "../tracker/peer";
import type { Entry, LogIndex, MemberId } from "../types";
import type { Member } from "./member";

/** Sends a peer all it may have now: new entries as far as its window goes, a commit index, or a probe. */
export function replicate(member: Member, to: MemberId, peer: Peer, round: number): void {
  for (;;) {
    const hasEntries = peer.ready && peer.next <= member.log.lastIndex;
    if (!hasEntries && !peer.mustAsk && !peer.missesCommit(member.log.settledCommit)) return;
    if (!sendAppend(member, to, peer, round, hasEntries)) return;
  }
}

/** @returns Whether it was sent; if not, the entries or their chain hash are being fetched, or a snapshot must be. */
function sendAppend(member: Member, to: MemberId, peer: Peer, round: number, withEntries: boolean): boolean {
  const { log, options, term } = member;
  const previous = (peer.next - 1) as LogIndex;
  if (previous < log.compacted.index) {
    peer.needSnapshot(member.nextForwardId(), peer.next);
    return false;
  }
  const previousChain = log.chainAt(previous);
  if (previousChain === undefined) {
    log.want(previous);
    return false;
  }
  const entries = withEntries ? log.entries(peer.next, log.lastIndex, options.appendBytesMax) : [];
  if (entries === undefined) return false;
  const commit = log.settledCommit;
  member.send(to, {
    kind: "append",
    term,
    round,
    previous: { term: log.termAt(previous), index: previous },
    previousChain,
    entries,
    commit,
  });
  peer.appended(entries.length, sizeOf(entries), commit);
  return true;
}

function sizeOf(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += entrySize(entry);
  return bytes;
}
