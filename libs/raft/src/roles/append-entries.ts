import { invariant } from "@quorate/base";
import type { AppendMessage, AppendResponse } from "../message";
import type { Entry, LogIndex } from "../types";
import type { Member } from "./member";

/** "damaged": the message is not what its leader made, so it counts as lost on the way. */
export type AppendResult = AppendResponse["outcome"] | { readonly kind: "damaged" };

/**
 * Brings the log in line with an append from the leader of this term. Idempotent: entries that are there already
 * stay, so an old message, late or repeated, truncates nothing (Raft paper, figure 2, AppendEntries 1-5).
 */
export function appendEntries(member: Member, message: AppendMessage): AppendResult {
  const { log } = member;
  const { previous, entries } = message;
  // Below the log everything is committed, and so is equal everywhere.
  if (previous.index < log.compacted.index) return { kind: "accepted", match: log.commit };
  if (!log.contains(previous)) {
    invariant(previous.index > log.commit, "log matching: every leader holds all committed entries", {
      previous,
      commit: log.commit,
    });
    // An entry of a term above that of `previous` cannot be in the leader's log before it.
    const hint = log.lastWithTermAtMost(previous.index, previous.term);
    const bounded = hint.index >= log.commit ? hint : { term: log.termAt(log.commit), index: log.commit };
    return { kind: "rejected", previous: previous.index, hint: bounded };
  }
  expectChain(member, previous.index, message.previousChain);

  const fresh = countHeld(member, message);
  if (!isSound(member, message, fresh)) return { kind: "damaged" };
  const first = entries[fresh];
  if (first !== undefined && first.index <= log.lastIndex) {
    member.truncateFrom(first.index, entries[fresh - 1]?.chain ?? message.previousChain);
  }
  for (let at = fresh; at < entries.length; at += 1) log.append(entries[at]!);

  // Only what this message vouches for is known to be the leader's; what the log holds beyond may still conflict.
  const match = (previous.index + entries.length) as LogIndex;
  const commit = Math.min(message.commit, match) as LogIndex;
  if (commit > log.commit) log.commitTo(commit);
  return { kind: "accepted", match };
}

/** How many of the entries, from the first on, the log holds already. */
function countHeld(member: Member, message: AppendMessage): number {
  let held = 0;
  for (const entry of message.entries) {
    if (entry.index !== message.previous.index + held + 1 || !member.log.contains(entry)) break;
    expectChain(member, entry.index, entry.chain);
    held += 1;
  }
  return held;
}

/** Whether the entries from position `start` on follow each other and carry the right hashes. */
function isSound(member: Member, message: AppendMessage, start: number): boolean {
  const { previous, entries } = message;
  let before: Pick<Entry, "term" | "index" | "chain"> = entries[start - 1] ?? {
    ...previous,
    chain: message.previousChain,
  };
  for (let at = start; at < entries.length; at += 1) {
    const entry = entries[at]!;
    if (entry.index !== before.index + 1 || entry.term < before.term || entry.term > message.term)
      return false;
    if (member.chainHash(before.chain, entry) !== entry.chain) return false;
    before = entry;
  }
  return true;
}

/** Log Matching made checkable: equal index and term mean equal history. Entries that are only on disk are not read. */
function expectChain(member: Member, index: LogIndex, chain: number): void {
  const own = member.log.chainAt(index);
  invariant(
    own === undefined || own === chain,
    "log matching: entries of one index and term have one history",
    {
      index,
      own,
      received: chain,
    },
  );
}
