import { invariant } from "@quorate/base";
import type { RaftEffect } from "../effect";
import { isAtLeast } from "../log/entry-order";
import type { RaftStart } from "../start";
import type { Configuration, Entry, EntryId, HardState, LogIndex, SnapshotHead, Term } from "../types";
import { configurationAfter } from "./configuration-data";

export type PersistEffect = Extract<RaftEffect, { kind: "persist" }>;

/** What survives a crash of a member in specs: only writes that completed, and not all of them if the disk rots. */
export class SimulatedDisk {
  #compacted: SnapshotHead;
  /** What the state machine keeps of the membership: each configuration, and the index from which it is the applied one. */
  #configurations: { readonly index: LogIndex; readonly configuration: Configuration }[];
  #hardState: HardState = { term: 0 as Term, vote: undefined, commit: 0 as LogIndex };
  /** Those behind `compacted`. */
  #entries: Entry[] = [];
  /** Those that were written and are gone, until the log is as complete again. The newest is what a member knows of them. */
  #lost: Entry[] = [];
  /** Counts starts; written at each, as a real store does. */
  incarnation = 0;
  #applied = 0 as LogIndex;
  /** Up to where a snapshot is complete beside the state. */
  staged: LogIndex | undefined;

  /** @param founding The configuration before any entry. */
  constructor(founding: Configuration) {
    const index = 0 as LogIndex;
    this.#compacted = { term: 0 as Term, index, chain: 0, configuration: founding };
    this.#configurations = [{ index, configuration: founding }];
  }

  /** What the state machine has made of the entries that it applied; nothing, if its state ends before the log begins. */
  get configuration(): Configuration {
    return this.#configurations.at(-1)?.configuration ?? this.#compacted.configuration;
  }

  /** The index from which `configuration` is the applied one. */
  get configurationIndex(): LogIndex {
    return this.#configurations.at(-1)?.index ?? this.#compacted.index;
  }

  /** Up to where a start would know everything to be committed. */
  get settled(): LogIndex {
    return Math.max(this.#hardState.commit, this.#compacted.index) as LogIndex;
  }

  /** What the state machine keeps over a crash. */
  get applied(): LogIndex {
    return this.#applied;
  }

  get hardState(): HardState {
    return this.#hardState;
  }

  get compacted(): SnapshotHead {
    return this.#compacted;
  }

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  get lastIndex(): LogIndex {
    return this.#entries.at(-1)?.index ?? this.#compacted.index;
  }

  /** Whether an entry with this history is here, in the log or in what came before it, or is lost and not given up. */
  holds(index: LogIndex, chain: number): boolean {
    const isLost = this.#lost.some((entry) => entry.index === index && entry.chain === chain);
    return isLost || index <= this.#compacted.index || this.#entries[this.#place(index)]?.chain === chain;
  }

  /** Whether entries are gone that the log must have again before its member can be what it was. */
  get isCut(): boolean {
    return this.#lost.length > 0;
  }

  /**
   * Drops `count` entries from the end, as a damaged write-ahead log would; term and vote stand elsewhere.
   *
   * @param noticed Whether something tells of them at the next start.
   */
  lose(count: number, noticed = true): void {
    const lost = this.#entries.splice(Math.max(this.#entries.length - count, 0));
    if (!noticed) return;
    this.#lost.push(...lost);
    this.#lost.sort((a, b) => a.term - b.term || a.index - b.index);
  }

  write(effect: PersistEffect): void {
    if (effect.restart !== undefined) {
      const { snapshot, keepsEntries } = effect.restart;
      this.#entries = keepsEntries ? this.#entries.slice(this.#place(snapshot.index) + 1) : [];
      this.#compacted = snapshot;
    }
    if (effect.truncateFrom !== undefined) this.#entries.length = this.#place(effect.truncateFrom);
    for (const entry of effect.entries) {
      invariant(
        this.#place(entry.index) === this.#entries.length,
        "what is written continues what is on disk",
        {
          index: entry.index,
        },
      );
      this.#entries.push(entry);
    }
    if (effect.hardState !== undefined) this.#hardState = effect.hardState;
    const lost = this.#lost.at(-1);
    if (lost !== undefined && isAtLeast(this.#last, lost)) this.#lost = [];
  }

  /** Removes the log up to `upTo`. */
  compact(upTo: LogIndex, configuration: Configuration): void {
    if (upTo <= this.#compacted.index) return; // a snapshot has overtaken it
    const { term, index, chain } = this.#entries[this.#place(upTo)]!;
    this.#entries = this.#entries.slice(this.#place(upTo) + 1);
    this.#compacted = { term, index, chain, configuration };
  }

  read(from: LogIndex, to: LogIndex, bytesMax: number): Entry[] {
    const found: Entry[] = [];
    let bytes = 0;
    if (from <= this.#compacted.index) return found;
    for (const entry of this.#entries.slice(this.#place(from), this.#place(to) + 1)) {
      bytes += entry.data.length;
      if (bytes > bytesMax && found.length > 0) break;
      found.push(entry);
    }
    return found;
  }

  apply(entries: readonly Entry[]): void {
    for (const entry of entries) {
      this.#applied = entry.index;
      if (entry.type !== "configuration") continue;
      const configuration = configurationAfter(this.configuration, [entry]);
      this.#configurations.push({ index: entry.index, configuration });
    }
  }

  /** The snapshot that the log begins behind is the state. */
  install(): void {
    const { index, configuration } = this.#compacted;
    this.#applied = index;
    this.#configurations = [{ index, configuration }];
    this.staged = undefined;
  }

  /** @param applied What the state machine still holds. */
  crash(applied: LogIndex): void {
    // A snapshot that the log begins behind is the state, also if the crash came before it was put in its place.
    if (this.staged === this.#compacted.index) return this.install();
    this.staged = undefined;
    this.#applied = applied;
    const isWhole = applied >= this.#compacted.index;
    this.#configurations = this.#configurations.filter(({ index }) => isWhole && index <= applied);
  }

  /** @param tailMax How many of the newest entries are loaded at once. */
  start(tailMax: number): RaftStart {
    const { term, index, chain } = this.#compacted;
    const termRuns: EntryId[] = [];
    for (const entry of this.#entries) {
      if (termRuns[termRuns.length - 1]?.term !== entry.term)
        termRuns.push({ term: entry.term, index: entry.index });
    }
    return {
      hardState: this.#hardState,
      configuration: this.configuration,
      compacted: { term, index },
      compactedChain: chain,
      termRuns,
      tail: this.#entries.slice(-tailMax),
      applied: this.applied,
      repairUntil: this.#lost.at(-1),
    };
  }

  get #last(): EntryId {
    return this.#entries.at(-1) ?? this.#compacted;
  }

  #place(index: LogIndex): number {
    return index - this.#compacted.index - 1;
  }
}
