import type { Entry, EntryId, LogIndex, Term } from "@quorate/raft";
import { StorageCorruptionError, StorageFormatError } from "./errors";
import type { KeyValueLogStorageOptions, LogColumn } from "./key-value-log-storage";
import type { KeyValueStore } from "./key-value-store";
import {
  configurationOf,
  entryKey,
  entryOf,
  hardStateOf,
  identityOf,
  LOG_FORMAT,
  META_KEYS,
  numbersOf,
  TERM_RUN_RANGE,
  termRunOf,
} from "./log-rows";
import type { LogIdentity, LogStart } from "./log-storage";

const EMPTY_RANGE_START = new Uint8Array(0);

/** Reads the rows of a log and believes none of them: whatever is missing, damaged or out of place is an error. */
export class LogReader {
  readonly #options: KeyValueLogStorageOptions;
  readonly #store: KeyValueStore<LogColumn>;

  constructor(options: KeyValueLogStorageOptions, store: KeyValueStore<LogColumn>) {
    this.#options = options;
    this.#store = store;
  }

  /** `undefined` if the store is empty. @throws {StorageFormatError} it was written by a newer version. */
  identity(): LogIdentity | undefined {
    const row = this.#store.get("meta", META_KEYS.identity);
    if (row === undefined) {
      if (this.#isEmpty("log") && this.#isEmpty("meta")) return undefined;
      throw this.#corruption("the identity row is missing, but other rows are there");
    }
    const read = identityOf(META_KEYS.identity, row);
    if (read === undefined) throw this.#corruption("the identity row is damaged");
    if (read.format > LOG_FORMAT) {
      throw new StorageFormatError(
        `Cannot open the log in ${this.#options.place}: it has format ${read.format}, this version reads up to format ` +
          `${LOG_FORMAT}. Nothing was changed. Start the version that wrote it, or a newer one`,
      );
    }
    return read.identity;
  }

  /** What this start of the member, which raises its incarnation, is to know. */
  start(identity: LogIdentity): LogStart {
    const [incarnation = 0] = this.#meta("incarnation", (key, row) => numbersOf(key, row, 1));
    const [term = 0, index = 0, compactedChain = 0] = this.#meta("compacted", (key, row) =>
      numbersOf(key, row, 3),
    );
    const compacted = { term: term as Term, index: index as LogIndex };
    const termRuns = this.#termRuns(compacted);
    return {
      identity,
      incarnation: incarnation + 1,
      hardState: this.#meta("hardState", hardStateOf),
      configuration: this.#meta("configuration", configurationOf),
      compacted,
      compactedChain,
      termRuns,
      tail: this.#tail(compacted, termRuns),
      anchored: this.#store.get("meta", META_KEYS.anchored) !== undefined,
    };
  }

  /** See {@link LogStorage.read}. */
  entries(from: LogIndex, to: LogIndex, bytesMax: number): Entry[] {
    const entries: Entry[] = [];
    let bytes = 0;
    using rows = this.#store.scan("log", entryKey(from), entryKey(to + 1), { expect: to - from + 1 });
    for (let index = from as number; index <= to; index += 1) {
      const row = rows.next();
      const entry = row === undefined ? undefined : this.#entry(row.key, row.value);
      if (entry?.index !== index) throw this.#corruption(`log entry ${index} is missing`);
      bytes += entry.data.length;
      if (entries.length > 0 && bytes > bytesMax) break;
      entries.push(entry);
    }
    return entries;
  }

  /** Backwards from the last entry, until `tailBytesMax`: a start must not depend on the length of the log. */
  #tail(compacted: EntryId, termRuns: readonly EntryId[]): readonly Entry[] {
    const newestFirst: Entry[] = [];
    let bytes = 0;
    let run = termRuns.length - 1;
    let expectedIndex: number | undefined;
    using rows = this.#store.scan("log", EMPTY_RANGE_START, undefined, { reverse: true });
    for (let row = rows.next(); row !== undefined; row = rows.next()) {
      const entry = this.#entry(row.key, row.value);
      expectedIndex ??= Math.max(entry.index, termRuns.at(-1)?.index ?? 0);
      // Not yet deleted leftovers of a compaction may stand before the first entry.
      if (entry.index <= compacted.index) break;
      if (entry.index !== expectedIndex) throw this.#corruption(`log entry ${expectedIndex} is missing`);
      expectedIndex -= 1;
      while (run >= 0 && termRuns[run]!.index > entry.index) run -= 1;
      if (termRuns[run]?.term !== entry.term) {
        throw this.#corruption(
          `log entry ${entry.index} of term ${entry.term} does not fit the recorded terms`,
        );
      }
      bytes += entry.data.length;
      if (newestFirst.length > 0 && bytes > this.#options.tailBytesMax) return newestFirst.reverse();
      newestFirst.push(entry);
    }
    const missing = expectedIndex ?? termRuns.at(-1)?.index ?? compacted.index;
    if (missing > compacted.index) throw this.#corruption(`log entry ${missing} is missing`);
    return newestFirst.reverse();
  }

  #termRuns(compacted: EntryId): readonly EntryId[] {
    const runs: EntryId[] = [];
    using rows = this.#store.scan("meta", TERM_RUN_RANGE.from, TERM_RUN_RANGE.to);
    for (let row = rows.next(); row !== undefined; row = rows.next()) {
      const run = termRunOf(row.key, row.value);
      if (run === undefined) throw this.#corruption("a term run row is damaged");
      const before = runs.at(-1);
      if (run.term <= (before?.term ?? 0)) {
        throw this.#corruption(`term ${run.term} from index ${run.index} on does not rise`);
      }
      if (before === undefined && run.index !== compacted.index + 1) {
        throw this.#corruption(`the term of log entry ${compacted.index + 1} is not recorded`);
      }
      runs.push(run);
    }
    return runs;
  }

  #entry(key: Uint8Array, row: Uint8Array): Entry {
    const entry = entryOf(key, row);
    if (entry !== undefined) return entry;
    const index = key.length === 8 ? Number(Buffer.from(key).readBigUInt64BE()) : "with an unreadable key";
    throw this.#corruption(`log entry ${index} is damaged: its checksum does not fit`);
  }

  #meta<Read>(
    name: keyof typeof META_KEYS,
    read: (key: Uint8Array, row: Uint8Array) => Read | undefined,
  ): Read {
    const key = META_KEYS[name];
    const row = this.#store.get("meta", key);
    if (row === undefined) throw this.#corruption(`the ${name} row is missing`);
    const value = read(key, row);
    if (value === undefined) throw this.#corruption(`the ${name} row is damaged`);
    return value;
  }

  #isEmpty(column: LogColumn): boolean {
    using rows = this.#store.scan(column, EMPTY_RANGE_START, undefined, { expect: 1, keysOnly: true });
    return rows.next() === undefined;
  }

  #corruption(what: string): StorageCorruptionError {
    return new StorageCorruptionError(
      `Cannot trust the log in ${this.#options.place}: ${what}. ` +
        `Do not delete or edit files in it; replace this member by a new one`,
    );
  }
}
