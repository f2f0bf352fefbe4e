import { invariant } from "@quorate/base";
import { ConfigurationEntries } from "../configuration/configuration-entries";
import type { RaftEffect } from "../effect";
import type { Persistence } from "../persistence";
import type { RaftStart } from "../start";
import type { Entry, EntryId, LogIndex, SnapshotHead, Term } from "../types";
import { EntryCache } from "./entry-cache";
import { isAtLeast } from "./entry-order";
import { entrySize } from "./entry-size";
import { FetchedRanges } from "./fetched-ranges";
import { LogSizes } from "./log-sizes";
import { TermRuns } from "./term-runs";

export interface RaftLogOptions {
  readonly cacheBytesMax: number;
  readonly fetchBytesMax: number;
}

/**
 * The log as the core sees it. Terms of all entries are known; entries are in memory from `cache.first` on, and older
 * ones are fetched. Holds: compacted <= commit <= last, durable <= last, and nothing at or below commit is truncated.
 */
export class RaftLog {
  readonly #options: RaftLogOptions;
  readonly #persistence: Persistence;
  readonly #sizes = new LogSizes();
  #compacted: EntryId;
  #compactedChain: number;
  #runs: TermRuns;
  #cache: EntryCache;
  readonly #fetched: FetchedRanges;
  readonly #configurations: ConfigurationEntries;
  #commit: LogIndex;

  constructor(
    options: RaftLogOptions,
    start: RaftStart,
    dependencies: { readonly persistence: Persistence },
  ) {
    this.#options = options;
    this.#persistence = dependencies.persistence;
    this.#compacted = start.compacted;
    this.#compactedChain = start.compactedChain;
    this.#runs = new TermRuns(start.compacted, start.termRuns);
    this.#fetched = new FetchedRanges(options.fetchBytesMax);
    this.#configurations = new ConfigurationEntries(start.tail, start.applied);
    const first = start.tail[0]?.index ?? ((start.compacted.index + 1) as LogIndex);
    invariant(first > start.compacted.index, "the log begins after the compacted entry", { first });
    invariant(start.tail.length > 0 || start.termRuns.length === 0, "a log that is not empty has a tail");
    this.#cache = new EntryCache(
      first,
      first === start.compacted.index + 1 ? start.compactedChain : undefined,
    );
    for (const entry of start.tail) {
      this.#cache.append(entry);
      this.#sizes.append(entry);
      invariant(entry.term === this.#runs.termAt(entry.index), "the tail agrees with the term runs", {
        ...idOf(entry),
      });
    }
    const commit = Math.max(start.hardState.commit, start.compacted.index, start.applied) as LogIndex;
    // What is left of a log that lost its end is a part of what it was, so all that was committed in it still is.
    const isCut = start.repairUntil !== undefined;
    this.#commit = isCut ? (Math.min(commit, this.lastIndex) as LogIndex) : commit;
    invariant(this.#commit <= this.lastIndex, "only entries in the log are committed", {
      commit: this.#commit,
      last: this.lastIndex,
    });
  }

  get lastIndex(): LogIndex {
    return this.#cache.last;
  }

  get lastTerm(): Term {
    return this.#runs.termAt(this.#cache.last);
  }

  get lastId(): EntryId {
    return { term: this.lastTerm, index: this.lastIndex };
  }

  /** The chain hash at the last entry: always known, because the last entry is cached or nothing is. */
  get lastChain(): number {
    const chain = this.#cache.chainAt(this.#cache.last);
    invariant(chain !== undefined, "the chain hash at the end of the log is known");
    return chain;
  }

  get compacted(): EntryId {
    return this.#compacted;
  }

  get commit(): LogIndex {
    return this.#commit;
  }

  /**
   * The commit index as far as it is told to others and acted on: all of it, but for a change of the membership whose commit is
   * not durable. Once anybody goes by the change, those who decided on it may be gone or silent, and a member that forgets in a
   * crash that it is committed would need their votes. Ordinary entries need no such care: nobody is missing after them.
   */
  get settledCommit(): LogIndex {
    const first = this.#persistence.firstUnsettled;
    if (first === undefined) return this.#commit;
    // The log may have begun anew meanwhile, behind a snapshot that holds the change.
    return Math.max(this.#compacted.index, Math.min(this.#commit, first - 1)) as LogIndex;
  }

  get settledCommitId(): EntryId {
    const index = this.settledCommit;
    return { term: this.termAt(index), index };
  }

  get durable(): LogIndex {
    return this.#persistence.durable;
  }

  /** @param index From `compacted.index` to `lastIndex`. */
  termAt(index: LogIndex): Term {
    invariant(index <= this.lastIndex, "a term is asked for an entry within the log", { index });
    return this.#runs.termAt(index);
  }

  contains(id: EntryId): boolean {
    return (
      id.index >= this.#compacted.index &&
      id.index <= this.lastIndex &&
      this.#runs.termAt(id.index) === id.term
    );
  }

  /** The chain hash at `index`, or `undefined` if the entry is not in memory. */
  chainAt(index: LogIndex): number | undefined {
    if (index === this.#compacted.index) return this.#compactedChain;
    return this.#cache.chainAt(index) ?? this.#fetched.at(index)?.chain;
  }

  /** Whether a log that ends in `last` is at least as complete as this one (thesis §3.6.1). */
  isUpToDate(last: EntryId): boolean {
    return isAtLeast(last, this.lastId);
  }

  /** The last entry at or before `index`, within the log, with a term of at most `term`. */
  lastWithTermAtMost(index: LogIndex, term: Term): EntryId {
    const bounded = Math.max(Math.min(index, this.lastIndex), this.#compacted.index) as LogIndex;
    return this.#runs.lastWithTermAtMost(bounded, term);
  }

  /** Whether a configuration entry up to `index` is not applied yet. */
  isConfigurationUnapplied(index: LogIndex): boolean {
    return this.#configurations.isUnappliedUpTo(index);
  }

  /** Everything up to `index` is applied. */
  applied(index: LogIndex): void {
    this.#configurations.applied(index);
  }

  append(entry: Entry): void {
    this.#cache.append(entry);
    this.#configurations.appended(entry);
    this.#runs.extend(entry);
    this.#sizes.append(entry);
    this.#persistence.append(entry);
  }

  /** Removes the entries from `index` on. @param chainBefore The chain hash at `index - 1`. */
  truncateFrom(index: LogIndex, chainBefore: number): void {
    invariant(index > this.#commit, "a committed entry is never truncated", { index, commit: this.#commit });
    this.#cache.truncateFrom(index, chainBefore);
    this.#runs.truncateFrom(index);
    this.#sizes.truncateFrom(index);
    this.#configurations.truncatedFrom(index);
    this.#fetched.forget();
    this.#persistence.truncateFrom(index);
  }

  /** The log store has removed everything up to `at`. */
  compactTo(at: EntryId, chain: number): void {
    if (at.index <= this.#compacted.index) return; // a snapshot has overtaken it
    invariant(at.index <= this.#commit, "only committed entries are removed", { ...at });
    invariant(this.termAt(at.index) === at.term, "what is removed is what the log holds", { ...at });
    this.#runs.compactTo(at.index);
    this.#cache.compactTo(at.index, chain);
    this.#sizes.compactTo(at.index);
    this.#compacted = { term: at.term, index: at.index };
    this.#compactedChain = chain;
  }

  /** Begins the log anew behind a snapshot. All entries go: they are part of it, or conflict with it. */
  restart({ term, index, chain }: SnapshotHead): void {
    invariant(index > this.#commit, "a snapshot that is behind the commit index is ignored", { index });
    this.#compacted = { term, index };
    this.#compactedChain = chain;
    this.#runs = new TermRuns(this.#compacted, []);
    this.#cache = new EntryCache((index + 1) as LogIndex, chain);
    this.#sizes.compactTo(Infinity as LogIndex);
    this.#configurations.restartedAfter(index);
    this.#fetched.forget();
    this.#commit = index;
  }

  /** The lowest index from which on the log weighs at most `bytesMax`, as far as sizes are known. */
  firstWithin(bytesMax: number): LogIndex {
    return this.#sizes.firstWithin(bytesMax);
  }

  commitTo(index: LogIndex): void {
    invariant(index >= this.#commit, "the commit index never moves back", { from: this.#commit, to: index });
    invariant(index <= this.lastIndex, "only entries in the log are committed", {
      to: index,
      last: this.lastIndex,
    });
    const change = this.#configurations.firstBetween(this.#commit, index);
    if (change !== undefined) this.#persistence.commitMatters(change);
    this.#commit = index;
  }

  /**
   * Entries from `from` to `to` (included), cut after `bytesMax` but never before the first. If they are not in memory,
   * returns `undefined` and asks the log store for them.
   */
  entries(from: LogIndex, to: LogIndex, bytesMax: number): Entry[] | undefined {
    if (from >= this.#cache.first) return this.#cache.slice(from, to, bytesMax);
    const fetched = this.#fetched.slice(from, to, bytesMax);
    if (fetched === undefined) this.want(from);
    return fetched;
  }

  /** Asks the log store for the entries below the cache, from `from` on. */
  want(from: LogIndex): void {
    this.#fetched.want(from, Math.max(from, this.#cache.first - 1) as LogIndex);
  }

  fetched(from: LogIndex, entries: readonly Entry[]): void {
    this.#fetched.receive(from, entries, (index) =>
      index >= this.#compacted.index && index <= this.lastIndex ? this.#runs.termAt(index) : undefined,
    );
  }

  takeFetches(): RaftEffect[] {
    return this.#fetched.take();
  }

  /** What could not be read may be asked for again. */
  retryFetches(): void {
    this.#fetched.retry();
  }

  /** Drops fetched entries that no follower waits for any more. */
  forgetFetched(): void {
    this.#fetched.forget();
  }

  /**
   * The weight of the entries after `after` up to `to` that are in memory. Those that are not committed are, but for some that a
   * start did not load; what was not in memory never comes to be.
   */
  bytesBetween(after: LogIndex, to: LogIndex): number {
    let bytes = 0;
    for (let index = Math.max(after + 1, this.#cache.first); index <= to; index += 1)
      bytes += entrySize(this.#cache.at(index as LogIndex)!);
    return bytes;
  }

  /** Lets go of the oldest entries in memory that are durable and applied. */
  evict(applied: LogIndex): void {
    this.#cache.evict(Math.min(applied, this.durable) as LogIndex, this.#options.cacheBytesMax);
  }
}

function idOf(entry: Entry): EntryId {
  return { term: entry.term, index: entry.index };
}
