import { hexId, invariant } from "@quorate/base";
import type {
  Configuration,
  Entry,
  EntryId,
  HardState,
  LogIndex,
  LogRestart,
  MemberId,
  SnapshotHead,
  Term,
} from "@quorate/raft";
import { StorageIdentityError } from "./errors";
import type { KeyValueBatch, KeyValueStore } from "./key-value-store";
import { LogReader } from "./log-reader";
import {
  configurationRow,
  entryKey,
  entryRow,
  hardStateRow,
  identityRow,
  META_KEYS,
  numbersRow,
  termRunKey,
} from "./log-rows";
import type {
  LogCompacted,
  LogExtent,
  LogIdentity,
  LogPosition,
  LogStart,
  LogStorage,
  LogWrite,
} from "./log-storage";

export type LogColumn = "log" | "meta";
export const LOG_COLUMNS: readonly LogColumn[] = ["log", "meta"];

/** What a new member's log is founded on. */
export interface LogFoundation {
  readonly identity: LogIdentity;
  /** The membership before the first entry. */
  readonly configuration: Configuration;
}

/** Whose log the caller believes to open. */
export interface LogExpectation {
  readonly clusterId: bigint;
  readonly memberId: MemberId;
}

export interface KeyValueLogStorageOptions {
  /** Where the log is, for error texts: a directory as a rule. */
  readonly place: string;
  /** Bytes of entry data that `start.tail` holds at the most; the last entry is always in it. */
  readonly tailBytesMax: number;
}

/**
 * The {@link LogStorage} contract on any {@link KeyValueStore} that belongs to it alone. How rows look is told in
 * `log-rows.ts`.
 *
 * Invariants: entries stand gap-free from `compacted` + 1 to the last; the term of each follows from the term runs; all
 * rows of one `append` are in one synced batch, so every state seen after a crash is one between two appends.
 */
export class KeyValueLogStorage implements LogStorage {
  readonly start: LogStart;
  readonly #store: KeyValueStore<LogColumn>;
  readonly #reader: LogReader;
  readonly #batch: KeyValueBatch<LogColumn>;
  #compacted: EntryId;
  #compactedChain: number;
  #lastIndex: number;
  /** `undefined` after a truncation: it is read when it is asked for. */
  #lastChain: number | undefined;
  #termRuns: readonly EntryId[];

  private constructor(store: KeyValueStore<LogColumn>, reader: LogReader, start: LogStart) {
    this.start = start;
    this.#store = store;
    this.#reader = reader;
    this.#batch = store.batch();
    this.#compacted = start.compacted;
    this.#compactedChain = start.compactedChain;
    this.#lastIndex = start.tail.at(-1)?.index ?? start.compacted.index;
    this.#lastChain = start.tail.at(-1)?.chain ?? start.compactedChain;
    this.#termRuns = start.termRuns;
  }

  /**
   * Writes a new member's log and opens it; the store's owner from then on.
   *
   * @throws {StorageIdentityError} the store holds a log already.
   */
  static create(
    options: KeyValueLogStorageOptions,
    store: KeyValueStore<LogColumn>,
    foundation: LogFoundation,
  ): KeyValueLogStorage {
    const present = new LogReader(options, store).identity();
    if (present !== undefined) {
      throw new StorageIdentityError(
        `Cannot create a member in ${options.place}: it holds ${describeMember(present)} already. ` +
          `Start that member instead, or choose another directory`,
      );
    }
    const { identity, configuration } = foundation;
    const batch = store.batch();
    batch.put("meta", META_KEYS.configuration, configurationRow(META_KEYS.configuration, configuration));
    batch.put("meta", META_KEYS.compacted, numbersRow(META_KEYS.compacted, [0, 0, 0]));
    const hardState: HardState = { term: 0 as Term, vote: undefined, commit: 0 as LogIndex };
    batch.put("meta", META_KEYS.hardState, hardStateRow(META_KEYS.hardState, hardState));
    batch.put("meta", META_KEYS.incarnation, numbersRow(META_KEYS.incarnation, [0]));
    batch.put("meta", META_KEYS.identity, identityRow(META_KEYS.identity, identity));
    batch.write({ sync: true });
    return KeyValueLogStorage.open(options, store);
  }

  /**
   * Opens the log in `store`, its owner from then on. Costs a read of the tail and of one row per term run.
   *
   * @throws {StorageIdentityError} there is no member in it, or not the expected one.
   * @throws {StorageCorruptionError} what must be there is missing or damaged.
   */
  static open(
    options: KeyValueLogStorageOptions,
    store: KeyValueStore<LogColumn>,
    expected?: LogExpectation,
  ): KeyValueLogStorage {
    const reader = new LogReader(options, store);
    const identity = reader.identity();
    if (identity === undefined) {
      throw new StorageIdentityError(
        `Cannot open the log in ${options.place}: there is no member in it. A member that lost its directory must ` +
          `be removed from the cluster and added as a new one; never start it anew under its old id`,
      );
    }
    assertExpected(options.place, identity, expected);
    const start = reader.start(identity);
    const batch = store.batch();
    batch.put("meta", META_KEYS.incarnation, numbersRow(META_KEYS.incarnation, [start.incarnation]));
    batch.write({ sync: true });
    return new KeyValueLogStorage(store, reader, start);
  }

  get extent(): LogExtent {
    return { compacted: this.#compacted, chain: this.#compactedChain, last: this.#lastIndex as LogIndex };
  }

  sizeBytes(): number {
    return this.#store.sizeBytes();
  }

  get last(): LogPosition {
    const index = this.#lastIndex as LogIndex;
    if (index === this.#compacted.index) return { at: this.#compacted, chain: this.#compactedChain };
    this.#lastChain ??= this.#reader.entries(index, index, 1)[0]!.chain;
    return { at: { term: this.#termRuns.at(-1)!.term, index }, chain: this.#lastChain };
  }

  markAnchored(): void {
    const batch = this.#store.batch();
    batch.put("meta", META_KEYS.anchored, numbersRow(META_KEYS.anchored, [1]));
    batch.write({ sync: true });
  }

  append(writes: readonly LogWrite[]): void {
    for (const write of writes) {
      if (write.restart !== undefined) this.#restart(write.restart);
      if (write.truncateFrom !== undefined) this.#truncate(write.truncateFrom);
      for (const entry of write.entries) this.#append(entry);
      if (write.hardState !== undefined) {
        this.#batch.put("meta", META_KEYS.hardState, hardStateRow(META_KEYS.hardState, write.hardState));
      }
    }
    // What is known here may be ahead of the disk if this throws; after that the object is of no use anyway.
    if (this.#batch.size > 0) this.#batch.write({ sync: true });
  }

  refound(identity: LogIdentity, write: LogWrite): void {
    invariant(this.#batch.size === 0, "a log changes hands in a batch of its own");
    this.#batch.put("meta", META_KEYS.identity, identityRow(META_KEYS.identity, identity));
    this.append([write]);
  }

  read(from: LogIndex, to: LogIndex, bytesMax: number): Entry[] {
    if (from <= this.#compacted.index) return []; // asked before it was removed
    invariant(to <= this.#lastIndex, "only entries in the log are read", { to, lastIndex: this.#lastIndex });
    return this.#reader.entries(from, to, bytesMax);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store[Symbol.asyncDispose]();
  }

  compact(upTo: LogIndex, configuration: Configuration, entriesMax: number): LogCompacted {
    const target = Math.min(upTo, this.#compacted.index + entriesMax) as LogIndex;
    if (target > this.#compacted.index) {
      invariant(target <= this.#lastIndex, "only what is in the log is removed", {
        target,
        last: this.#lastIndex,
      });
      invariant(this.#batch.size === 0, "a step of compaction is a batch of its own");
      const [last] = this.#reader.entries(target, target, 1);
      this.#removeUpTo({ ...last!, configuration });
      this.#batch.write({ sync: true });
    }
    return { at: this.#compacted, chain: this.#compactedChain };
  }

  #restart({ snapshot, keepsEntries }: LogRestart): void {
    invariant(snapshot.index >= this.#compacted.index, "a log never begins earlier than it did", {
      snapshot: snapshot.index,
      compacted: this.#compacted.index,
    });
    if (keepsEntries) return this.#removeUpTo(snapshot);
    if (this.#lastIndex > this.#compacted.index) this.#truncate((this.#compacted.index + 1) as LogIndex);
    this.#begin(snapshot);
    this.#lastIndex = snapshot.index;
  }

  /** The first entry that stays begins a run, whatever its term: a log always tells the term of its first entry. */
  #removeUpTo(head: SnapshotHead): void {
    const first = head.index + 1;
    for (let index = this.#compacted.index + 1; index < first; index += 1)
      this.#batch.del("log", entryKey(index));
    const runs = this.#termRuns.filter((run) => run.index >= first);
    for (const run of this.#termRuns) if (run.index < first) this.#batch.del("meta", termRunKey(run.index));
    const runOfFirst = this.#termRuns.findLast((run) => run.index < first);
    if (first <= this.#lastIndex && runs[0]?.index !== first && runOfFirst !== undefined) {
      const key = termRunKey(first);
      this.#batch.put("meta", key, numbersRow(key, [runOfFirst.term]));
      runs.unshift({ term: runOfFirst.term, index: first as LogIndex });
    }
    this.#termRuns = runs;
    this.#begin(head);
  }

  /** Records where the log begins. */
  #begin({ term, index, chain, configuration }: SnapshotHead): void {
    this.#batch.put("meta", META_KEYS.compacted, numbersRow(META_KEYS.compacted, [term, index, chain]));
    this.#batch.put(
      "meta",
      META_KEYS.configuration,
      configurationRow(META_KEYS.configuration, configuration),
    );
    this.#compacted = { term, index };
    this.#compactedChain = chain;
  }

  /** Lists every key: a range delete cannot be part of a batch, and a suffix that conflicts is short. */
  #truncate(from: LogIndex): void {
    invariant(from > this.#compacted.index, "only entries behind the compacted one are dropped", { from });
    for (let index = from as number; index <= this.#lastIndex; index += 1)
      this.#batch.del("log", entryKey(index));
    if (from > this.#lastIndex) return;
    this.#lastIndex = from - 1;
    this.#lastChain = undefined;
    for (const run of this.#termRuns) {
      if (run.index >= from) this.#batch.del("meta", termRunKey(run.index));
    }
    this.#termRuns = this.#termRuns.filter((run) => run.index < from);
  }

  #append(entry: Entry): void {
    invariant(entry.index === this.#lastIndex + 1, "entries are appended without a gap", {
      index: entry.index,
      lastIndex: this.#lastIndex,
    });
    const lastTerm = this.#termRuns.at(-1)?.term ?? this.#compacted.term;
    invariant(entry.term >= lastTerm, "terms never fall along the log", { term: entry.term, lastTerm });
    const key = entryKey(entry.index);
    this.#batch.put("log", key, entryRow(key, entry));
    this.#lastIndex = entry.index;
    this.#lastChain = entry.chain;
    if (this.#termRuns.length > 0 && entry.term === lastTerm) return;
    const runKey = termRunKey(entry.index);
    this.#batch.put("meta", runKey, numbersRow(runKey, [entry.term]));
    this.#termRuns = [...this.#termRuns, { term: entry.term, index: entry.index }];
  }
}

function assertExpected(place: string, identity: LogIdentity, expected: LogExpectation | undefined): void {
  if (expected === undefined) return;
  if (identity.clusterId === expected.clusterId && identity.memberId === expected.memberId) return;
  throw new StorageIdentityError(
    `Cannot open the log in ${place}: it holds ${describeMember(identity)}, but member ` +
      `${hexId(expected.memberId)} of cluster ${hexId(expected.clusterId)} was to be started. ` +
      `Check which data directory belongs to this member`,
  );
}

function describeMember(identity: LogIdentity): string {
  const { memberId, memberName, clusterId, clusterName } = identity;
  return `member ${hexId(memberId)} ("${memberName}") of cluster ${hexId(clusterId)} ("${clusterName}")`;
}
