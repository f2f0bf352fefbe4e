import { binaryString, EMPTY_BYTES } from "@quorate/base";
import { firstEventRow } from "./event-log";
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
  /** The event row to go on with; what lies before it is deleted already. */
  readonly row: Uint8Array;
  /** How many events of that row are finished; meaningless when idle. */
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

/** Bytes of rows that count as one unit of work, to read and decode. */
const BYTES_PER_WORK = 4096;

/**
 * Deletes what compaction at `compactRevision` makes unreachable: versions superseded at or before it, and event rows that
 * lie before it entirely. An event exactly at it stays, a tombstone too: a watch may begin there.
 *
 * Stops after about `budget` units of work, whether or not there was anything to delete: each event that is looked at, each
 * row that is deleted and every 4 KiB that are read count one. So a step takes the same time in a store of many small
 * changes, of large values, or of keys that were never overwritten. A row is always read as a whole.
 *
 * Every superseded version has an event that names it, so walking the events to be removed finds all of it and the
 * size of the database does not matter. Each event also tells how large the row is, so that nothing has to be read. The walk
 * begins where the last one ended: before it lie the graves of rows, which an engine steps over one by one. Deleting twice is
 * harmless, so nothing depends on where a crash hits.
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
  let skip = idle ? 0 : progress.finishedEvents;
  let work = 0;
  const doomed = new DoomedRows(view, batch);
  const stopAt = (row: Uint8Array, finishedEvents: number): CompactionStep => {
    return { progress: { done, target, row: row.slice(), finishedEvents }, freedBytes: doomed.bytes };
  };

  const rows = view.scan("event", progress.row, eventRowKey((target + 1) as Revision, 0));
  try {
    for (let row = rows.next(); row !== undefined; row = rows.next()) {
      if (work >= budget) return stopAt(row.key, 0);
      const events = decodeEventRow(row.key, row.value);
      for (let at = skip; at < events.length; at += 1) {
        const event = events[at]!;
        if (event.main > target) break;
        if (work >= budget) return stopAt(row.key, at);
        work += 1;
        if (event.main > done && event.supersededRevision !== 0) work += workToRead(doomed.addVersion(event));
      }
      skip = 0;
      const last = events.at(-1);
      if (last === undefined || last.main < target) {
        if (work >= budget) return stopAt(row.key, events.length);
        doomed.addEvents(row);
        work += 1;
      }
      // Last: a row that is more than a whole budget to read is nevertheless left behind.
      work += workToRead(row.value.length);
    }
  } finally {
    rows[Symbol.dispose]();
  }
  const row = firstEventRow(view, target).slice();
  return { progress: { done: target, target, row, finishedEvents: 0 }, freedBytes: doomed.bytes };
}

function workToRead(bytes: number): number {
  return Math.floor(bytes / BYTES_PER_WORK);
}

/** The rows that one step deletes, each of them once. */
class DoomedRows {
  readonly #versions = new Set<string>();
  bytes = 0;

  constructor(
    private readonly view: ReadView,
    private readonly batch: WriteBatch,
  ) {}

  /**
   * The version that the event superseded.
   *
   * @returns How many bytes had to be read.
   */
  addVersion({ kv, supersededRevision, historyBytes }: Event): number {
    const key = historyKey(kv.key, supersededRevision);
    const name = binaryString(key);
    // A key that changes twice in one revision supersedes the same version twice.
    if (this.#versions.has(name)) return 0;
    this.#versions.add(name);
    this.batch.del("history", key);
    const readBytes = historyBytes === 0 ? this.#storedBytes(key) : 0;
    this.bytes += historyBytes + readBytes;
    return readBytes;
  }

  addEvents(row: Row): void {
    this.batch.del("event", row.key);
    this.bytes += row.key.length + row.value.length;
  }

  /** Of a row whose event does not tell: nothing, if the event that does has deleted it in an earlier step. */
  #storedBytes(key: Uint8Array): number {
    const row = this.view.get("history", key);
    return row === undefined ? 0 : key.length + row.length;
  }
}
