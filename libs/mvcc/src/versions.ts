import { compareBytes, successorOf } from "@quorate/base";
import {
  historyAfterPrefix,
  historyKey,
  historyKeyOfPrefix,
  historyPrefix,
  keyValueOfHistory,
  modOfHistoryKey,
  prefixOfHistoryKey,
  supersedingOf,
  userKeyOfPrefix,
} from "./history-row";
import { upperEndOf } from "./key-range";
import { keyValueOfLatest, modOfLatest } from "./latest-row";
import type { KeyRange, KeyValue, Revision } from "./types";
import type { ReadView, Row, RowIterator } from "./view";

/** The versions that are visible at one revision, in key order. Must be closed. */
export interface Versions {
  next(): KeyValue | undefined;
  /** Consumes the rest, or as much as `max`, and says how many there were, as cheaply as the layout allows. */
  countRest(max?: number): number;
  /** Where another one goes on behind what was consumed of this one. */
  readonly nextKey: Uint8Array;
  close(): void;
}

/** Rows counted on an open iterator before a new one without values pays off (opening costs tens of microseconds). */
const COUNT_WITH_VALUES_MAX = 64;
/** Rows of one key stepped over before a seek, which costs about as much as this many steps. */
const STEPS_BEFORE_SEEK = 8;

/** The current version of a key; the value is a copy. */
export function currentVersion(view: ReadView, key: Uint8Array): KeyValue | undefined {
  const row = view.get("latest", key);
  return row === undefined ? undefined : keyValueOfLatest(key, row.slice());
}

/** The version of a key that was visible at `at`. */
export function versionAt(view: ReadView, key: Uint8Array, at: Revision): KeyValue | undefined {
  const latest = currentVersion(view, key);
  if (latest !== undefined && latest.modRevision <= at) return latest;
  const rows = view.scan("history", historyKey(key, at), historyAfterPrefix(historyPrefix(key)), {
    expect: 1,
  });
  try {
    const row = rows.next();
    if (row === undefined || supersedingOf(row.value) <= at) return undefined;
    return keyValueOfHistory(key, modOfHistoryKey(row.key), row.value);
  } finally {
    rows[Symbol.dispose]();
  }
}

/** What `latest` holds: one sequential scan. */
export class CurrentVersions implements Versions {
  readonly #view: ReadView;
  readonly #to: Uint8Array | undefined;
  readonly #expect: number | undefined;
  #from: Uint8Array;
  #isFromConsumed = false;
  #rows: RowIterator | undefined;

  /** @param expect How many versions the caller will read at the most, if it knows. */
  constructor(view: ReadView, range: KeyRange, expect?: number) {
    this.#view = view;
    this.#from = range.key;
    this.#to = upperEndOf(range);
    this.#expect = expect;
  }

  next(): KeyValue | undefined {
    const options = this.#expect === undefined ? {} : { expect: this.#expect };
    this.#rows ??= this.#view.scan("latest", this.#from, this.#to, options);
    const row = this.#rows.next();
    if (row === undefined) return undefined;
    this.#consumed(row);
    return keyValueOfLatest(row.key, row.value);
  }

  countRest(max = Number.POSITIVE_INFINITY): number {
    let count = 0;
    if (this.#rows !== undefined) {
      const withValues = Math.min(max, COUNT_WITH_VALUES_MAX);
      for (; count < withValues; count += 1) if (!this.#consumed(this.#rows.next())) return count;
      if (count === max) return count;
      this.close();
    }
    this.#rows = this.#view.scan("latest", this.nextKey, this.#to, { keysOnly: true });
    while (count < max && this.#consumed(this.#rows.next())) count += 1;
    return count;
  }

  get nextKey(): Uint8Array {
    return this.#isFromConsumed ? successorOf(this.#from) : this.#from;
  }

  #consumed(row: Row | undefined): boolean {
    if (row === undefined) return false;
    this.#from = row.key;
    this.#isFromConsumed = true;
    return true;
  }

  close(): void {
    this.#rows?.[Symbol.dispose]();
    this.#rows = undefined;
  }
}

/**
 * What was visible at a past revision: `latest` where it is old enough, merged with `history` where it is not.
 *
 * At any kept revision a key has at most one visible version, in exactly one of the two columns. `latest` is opened
 * first: what is superseded in between then shows in the later view of `history`, so no lock against the applier is
 * needed.
 */
export class PastVersions implements Versions {
  readonly #at: Revision;
  readonly #latest: RowIterator;
  readonly #history: RowIterator;
  #latestRow: Row | undefined;
  #historyRow: Row | undefined;
  readonly #first: Uint8Array;
  #last: Uint8Array | undefined;

  constructor(view: ReadView, range: KeyRange, at: Revision) {
    const end = upperEndOf(range);
    this.#at = at;
    this.#first = range.key;
    this.#latest = view.scan("latest", range.key, end);
    this.#history = view.scan(
      "history",
      historyPrefix(range.key),
      end === undefined ? undefined : historyPrefix(end),
    );
    this.#latestRow = this.#latest.next();
    this.#historyRow = this.#history.next();
  }

  next(): KeyValue | undefined {
    for (;;) {
      const latest = this.#latestRow;
      const past = this.#historyRow;
      if (latest === undefined && past === undefined) return undefined;
      const prefix = past === undefined ? undefined : prefixOfHistoryKey(past.key);
      const pastKey = prefix === undefined ? undefined : userKeyOfPrefix(prefix);
      const order = latest === undefined ? 1 : pastKey === undefined ? -1 : compareBytes(latest.key, pastKey);
      const current = latest !== undefined && order <= 0 && modOfLatest(latest.value) <= this.#at;
      if (order <= 0) this.#latestRow = this.#latest.next();
      const old = order >= 0 ? this.#leaveKey(prefix!, !current) : undefined;
      if (!current && old === undefined) continue;
      this.#last = current ? latest.key : pastKey!;
      if (current) return keyValueOfLatest(latest.key, latest.value);
      return keyValueOfHistory(pastKey!, modOfHistoryKey(old!.key), old!.value);
    }
  }

  /** The revision of each version lies in its value, so there is no cheaper way than to look at them all. */
  countRest(max = Number.POSITIVE_INFINITY): number {
    let count = 0;
    while (count < max && this.next() !== undefined) count += 1;
    return count;
  }

  get nextKey(): Uint8Array {
    return this.#last === undefined ? this.#first : successorOf(this.#last);
  }

  close(): void {
    this.#latest[Symbol.dispose]();
    this.#history[Symbol.dispose]();
  }

  /** Moves past all rows of a key. Returns its version visible at the revision, if there is one and it is wanted. */
  #leaveKey(prefix: Uint8Array, wanted: boolean): Row | undefined {
    let found: Row | undefined;
    if (wanted) {
      // Newest first: the first version at or before the revision is the one, unless it had already ended by then.
      const candidate = this.#advance(
        prefix,
        (row) => modOfHistoryKey(row.key) <= this.#at,
        () => historyKeyOfPrefix(prefix, this.#at),
      );
      if (candidate !== undefined && supersedingOf(candidate.value) > this.#at) found = candidate;
    }
    this.#advance(prefix, never, () => historyAfterPrefix(prefix));
    return found;
  }

  /** The first row of the key, from the current one on, that is `enough`; `undefined` at the end of the key. */
  #advance(prefix: Uint8Array, enough: (row: Row) => boolean, target: () => Uint8Array): Row | undefined {
    for (let steps = 0; ; steps += 1) {
      const row = this.#historyRow;
      if (row === undefined || !hasPrefix(row.key, prefix)) return undefined;
      if (enough(row)) return row;
      if (steps === STEPS_BEFORE_SEEK) this.#history.seek(target());
      this.#historyRow = this.#history.next();
    }
  }
}

const never = (): boolean => false;

function hasPrefix(rowKey: Uint8Array, prefix: Uint8Array): boolean {
  return rowKey.length === prefix.length + 8 && compareBytes(rowKey.subarray(0, prefix.length), prefix) === 0;
}
