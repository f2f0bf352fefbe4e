import { compareBytes, crc32c, EMPTY_BYTES, utf8, writeUint64 } from "@quorate/base";
import { ByteWriter } from "./byte-writer";
import { firstEventRow } from "./event-log";
import { decodeEventRow } from "./event-row";
import {
  keyValueOfHistory,
  modOfHistoryKey,
  prefixOfHistoryKey,
  supersedingOf,
  userKeyOfPrefix,
} from "./history-row";
import { keyValueOfLatest, modOfLatest } from "./latest-row";
import { writeStoredKeyValue, writeTombstone } from "./stored-key-value";
import type { Event, KeyValue, Revision } from "./types";
import type { ReadView, Row, RowIterator } from "./view";

/** A hash over many rows, made step by step so that nobody waits long for the thread. Must be closed. */
export interface HashRun extends Disposable {
  /**
   * Goes on, for about as long as `work` rows of ordinary size take.
   *
   * @param work 1 or more.
   * @returns the hash, once it is complete.
   */
  step(work: number): number | undefined;
}

/** Row bytes that count as much as one row. */
const BYTES_PER_WORK = 4096;
/** Bytes that are hashed at once. */
const HASHED_BYTES_MIN = 16 * 1024;
const KEEP_BYTES_MAX = 1 << 20;

/** What a row costs, in the unit of a {@link HashRun}'s steps. */
export function workOf(row: Row): number {
  return 1 + Math.floor(row.value.length / BYTES_PER_WORK);
}

/**
 * The hash of etcd's HashKV over the store as it is now, up to main revision `upTo`: CRC-32C over the name of etcd's bucket
 * and, for each change, its revision and its key-value as etcd stores them. First what was readable at the compact
 * revision, in key order, then every change after it, in its order.
 *
 * Equal on all members for equal revision and compact revision: what it covers depends neither on how far a member's
 * physical compaction has come, nor on how batches were cut, nor on what was written since. The second part is etcd's byte
 * for byte, so until the first compaction the hash is; the first part is ordered by revision in etcd, and tells sub
 * revisions, which rows here do not hold.
 *
 * Sees later writes to the view as little as an iterator does: all are opened here.
 */
export class KeyValueHash implements HashRun {
  readonly #upTo: Revision;
  readonly #compactRevision: Revision;
  readonly #latest: RowIterator;
  readonly #history: RowIterator;
  readonly #eventRows: RowIterator;
  #latestRow: Row | undefined;
  #historyRow: Row | undefined;
  /** Of the row that is being read. */
  #events: readonly Event[] = [];
  #eventAt = 0;
  readonly #writer = new ByteWriter();
  readonly #revisionKey = new Uint8Array(REVISION_KEY_BYTES);
  #hash = crc32c(utf8("key"));

  constructor(view: ReadView, upTo: Revision, compactRevision: Revision) {
    this.#upTo = upTo;
    this.#compactRevision = compactRevision;
    this.#revisionKey[8] = 0x5f; // "_"
    this.#latest = view.scan("latest", EMPTY_BYTES, compactRevision > 0 ? undefined : EMPTY_BYTES);
    this.#history = view.scan("history", EMPTY_BYTES, compactRevision > 0 ? undefined : EMPTY_BYTES);
    this.#eventRows = view.scan("event", firstEventRow(view, (compactRevision + 1) as Revision), undefined);
    this.#latestRow = this.#latest.next();
    this.#historyRow = this.#history.next();
  }

  step(work: number): number | undefined {
    let left = work;
    while (left > 0) {
      const done = this.#latestRow || this.#historyRow ? this.#hashKept() : this.#hashEvent();
      if (done === 0) return this.#finish();
      left -= done;
    }
    return undefined;
  }

  [Symbol.dispose](): void {
    this.#latest[Symbol.dispose]();
    this.#history[Symbol.dispose]();
    this.#eventRows[Symbol.dispose]();
  }

  /** Moves one row on in the two columns, merged by key: of each key at most one version was readable. */
  #hashKept(): number {
    const latest = this.#latestRow;
    const past = this.#historyRow;
    const pastKey = past && userKeyOfPrefix(prefixOfHistoryKey(past.key));
    const at = Math.min(this.#compactRevision, this.#upTo);
    if (latest !== undefined && (pastKey === undefined || compareBytes(latest.key, pastKey) < 0)) {
      if (modOfLatest(latest.value) <= at) this.#add(keyValueOfLatest(latest.key, latest.value), 0);
      this.#latestRow = this.#latest.next();
      return workOf(latest);
    }
    const { key, value } = past!;
    const mod = modOfHistoryKey(key);
    if (mod <= at && supersedingOf(value) > this.#compactRevision) {
      this.#add(keyValueOfHistory(pastKey!, mod, value), 0);
    }
    this.#historyRow = this.#history.next();
    return workOf(past!);
  }

  /** @returns 0 if there is none left. */
  #hashEvent(): number {
    const event = this.#events[this.#eventAt];
    if (event === undefined) {
      const row = this.#eventRows.next();
      if (row === undefined) return 0;
      this.#events = decodeEventRow(row.key, row.value);
      this.#eventAt = 0;
      return workOf(row);
    }
    if (event.main > this.#upTo) return 0;
    this.#eventAt += 1;
    if (event.main > this.#compactRevision) {
      if (event.kind === "put") this.#add(event.kv, event.sub);
      else this.#addTombstone(event);
    }
    return 1;
  }

  #add(kv: KeyValue, sub: number): void {
    this.#addRevision(kv.modRevision, sub);
    writeStoredKeyValue(this.#writer, kv);
    this.#hashIfMany();
  }

  #addTombstone({ main, sub, kv }: Event): void {
    this.#addRevision(main, sub);
    this.#writer.byte(TOMBSTONE_MARK);
    writeTombstone(this.#writer, kv.key);
    this.#hashIfMany();
  }

  #addRevision(main: Revision, sub: number): void {
    writeUint64(this.#revisionKey, 0, main);
    writeUint64(this.#revisionKey, 9, sub);
    this.#writer.raw(this.#revisionKey);
  }

  #hashIfMany(): void {
    if (this.#writer.length >= HASHED_BYTES_MIN) this.#hashWritten();
  }

  #hashWritten(): void {
    this.#hash = crc32c(this.#writer.view(0, this.#writer.length), this.#hash);
    this.#writer.reset(KEEP_BYTES_MAX);
  }

  #finish(): number {
    this.#hashWritten();
    return this.#hash;
  }
}

/** How etcd names a change in its bucket: main revision, "_", sub revision; a mark follows if it is a delete. */
const REVISION_KEY_BYTES = 17;
const TOMBSTONE_MARK = 0x74; // "t"
