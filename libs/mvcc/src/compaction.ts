import { binaryString, EMPTY_BYTES } from "@quorate/base";
import { decodeEventRow, eventRowKey } from "./event-row";
import { historyKey } from "./history-row";
import type { Event, Revision } from "./types";
import type { ReadView, Row, WriteBatch } from "./view";

/**
 * How far physical compaction has come on this member. Local: members delete at their own pace, and a read never shows
 * it, because what is deleted lies behind the compact revision.
 */
export interface CompactionProgress {
  /** Everything superseded at or before it has been deleted; -1 at first. */
  readonly done: Revision;
  /** What is being worked towards; equal to `done` when idle. */
  readonly target: Revision;
  /** The event row to go on with, and how many of its events are finished. Meaningless when idle. */
  readonly row: Uint8Array;
  readonly finishedEvents: number;
}

export const NO_COMPACTION: CompactionProgress = {
  done: -1 as Revision,
  target: -1 as Revision,
  row: EMPTY_BYTES,
  finishedEvents: 0,
};

export interface CompactionStep {
  /** Where to go on; done when `done` equals the compact revision. To be stored with the same batch. */
  readonly progress: CompactionProgress;
  /** Bytes of the rows that the batch deletes, keys and values. */
  readonly freedBytes: number;
}

/**
 * Deletes what compaction at `compactRevision` makes unreachable, `budget` rows at the most: versions superseded at or
 * before it, and event rows that lie before it entirely. An event exactly at it stays, a tombstone too: a watch may
 * begin there.
 *
 * Every superseded version has an event that names it, so walking the events to be removed finds all of it and the
 * size of the database does not matter. Each event also tells how large the row is, so that nothing has to be read.
 */
export function compactEvents(
  view: ReadView,
  batch: WriteBatch,
  progress: CompactionProgress,
  compactRevision: Revision,
  budget: number,
): CompactionStep {
  const { done } = progress;
  const idle = progress.target === done;
  const target = idle ? compactRevision : progress.target;
  const start = idle ? EMPTY_BYTES : progress.row;
  let skip = idle ? 0 : progress.finishedEvents;
  const doomed = new DoomedRows(view, batch);
  const stopAt = (row: Uint8Array, finishedEvents: number): CompactionStep => {
    return { progress: { done, target, row: row.slice(), finishedEvents }, freedBytes: doomed.bytes };
  };

  const rows = view.scan("event", start, eventRowKey((target + 1) as Revision, 0));
  try {
    for (let row = rows.next(); row !== undefined; row = rows.next()) {
      const events = decodeEventRow(row.key, row.value);
      for (let at = skip; at < events.length; at += 1) {
        const event = events[at]!;
        if (event.main > target) break;
        if (event.main <= done || event.supersededRevision === 0) continue;
        if (doomed.count === budget) return stopAt(row.key, at);
        doomed.addVersion(event);
      }
      skip = 0;
      const last = events.at(-1);
      if (last !== undefined && last.main >= target) continue; // holds events to keep
      if (doomed.count === budget) return stopAt(row.key, events.length);
      doomed.addEvents(row);
    }
  } finally {
    rows[Symbol.dispose]();
  }
  const finished = { done: target, target, row: EMPTY_BYTES, finishedEvents: 0 };
  return { progress: finished, freedBytes: doomed.bytes };
}

/** The rows that one step deletes, each counted once. */
class DoomedRows {
  readonly #versions = new Set<string>();
  count = 0;
  bytes = 0;

  constructor(
    private readonly view: ReadView,
    private readonly batch: WriteBatch,
  ) {}

  /** The version that the event superseded. */
  addVersion({ kv, supersededRevision, historyBytes }: Event): void {
    const key = historyKey(kv.key, supersededRevision);
    const name = binaryString(key);
    // A key that changes twice in one revision supersedes the same version twice.
    if (this.#versions.has(name)) return;
    this.#versions.add(name);
    this.batch.del("history", key);
    this.count += 1;
    this.bytes += historyBytes === 0 ? this.#storedBytes(key) : historyBytes;
  }

  addEvents(row: Row): void {
    this.batch.del("event", row.key);
    this.count += 1;
    this.bytes += row.key.length + row.value.length;
  }

  /** Of a row whose event does not tell: nothing, if the event that does has deleted it in an earlier step. */
  #storedBytes(key: Uint8Array): number {
    const row = this.view.get("history", key);
    return row === undefined ? 0 : key.length + row.length;
  }
}
