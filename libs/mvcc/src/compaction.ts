import { EMPTY_BYTES } from "@quorate/base";
import { firstEventRow } from "./event-log";
import { decodeEventRow, eventRowKey } from "./event-row";
import { historyKey } from "./history-row";
import type { Revision } from "./types";
import type { ReadView, WriteBatch } from "./view";

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

/** Bytes of event rows that count as one unit of work, to read and decode. */
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
 * size of the database does not matter. The walk begins where the last one ended: before it lie the graves of rows, which
 * an engine steps over one by one. Deleting twice is harmless, so nothing depends on where a crash hits.
 *
 * @returns Where to go on; done when `done` equals `compactRevision`. To be stored with the same batch.
 */
export function compactEvents(
  view: ReadView,
  batch: WriteBatch,
  progress: CompactionProgress,
  compactRevision: Revision,
  budget: number,
): CompactionProgress {
  const { done } = progress;
  const idle = progress.target === done;
  const target = idle ? compactRevision : progress.target;
  let skip = idle ? 0 : progress.finishedEvents;
  let work = 0;

  const rows = view.scan("event", progress.row, eventRowKey((target + 1) as Revision, 0));
  try {
    for (let row = rows.next(); row !== undefined; row = rows.next()) {
      if (work >= budget) return { done, target, row: row.key.slice(), finishedEvents: 0 };
      const events = decodeEventRow(row.key, row.value);
      for (let at = skip; at < events.length; at += 1) {
        const { main, kv, supersededRevision } = events[at]!;
        if (main > target) break;
        if (work >= budget) return { done, target, row: row.key.slice(), finishedEvents: at };
        work += 1;
        if (main > done && supersededRevision !== 0) {
          batch.del("history", historyKey(kv.key, supersededRevision));
        }
      }
      skip = 0;
      const last = events.at(-1);
      work += Math.floor(row.value.length / BYTES_PER_WORK);
      if (last !== undefined && last.main >= target) continue; // holds events to keep
      if (work >= budget) return { done, target, row: row.key.slice(), finishedEvents: events.length };
      batch.del("event", row.key);
      work += 1;
    }
  } finally {
    rows[Symbol.dispose]();
  }
  return { done: target, target, row: firstEventRow(view, target).slice(), finishedEvents: 0 };
}
