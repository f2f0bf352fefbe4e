import { utf8 } from "@quorate/base";
import { crcChainHash } from "../chain-hash";
import type { AppendMessage } from "../message";
import type { Entry, EntryId, LogIndex, Term } from "../types";

/** A log with entries of the given terms; `mark` makes another history of the same terms. */
export function logOf(terms: readonly number[], mark = "x"): Entry[] {
  const entries: Entry[] = [];
  terms.forEach((term, at) => {
    const bare = {
      term: term as Term,
      index: (at + 1) as LogIndex,
      type: "command" as const,
      data: utf8(`${mark}${at + 1}@${term}`),
    };
    entries.push({ ...bare, chain: crcChainHash(entries[at - 1]?.chain ?? 0, bare) });
  });
  return entries;
}

/** The entry of `log` at `index`, or what stands before the first. */
export function idAt(log: readonly Entry[], index: number): EntryId {
  return { term: log[index - 1]?.term ?? (0 as Term), index: index as LogIndex };
}

/** What a leader with `log` sends: the entries after `previous` up to `to`. */
export function append(
  log: readonly Entry[],
  previous: number,
  to: number,
  facts: { term: number; commit: number },
): AppendMessage {
  return {
    kind: "append",
    term: facts.term as Term,
    round: 0,
    previous: idAt(log, previous),
    previousChain: log[previous - 1]?.chain ?? 0,
    entries: log.slice(previous, to),
    commit: facts.commit as LogIndex,
  };
}
