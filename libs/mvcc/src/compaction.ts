import { EMPTY_BYTES } from "@quorate/base";
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

/**
 * Deletes what compaction at `compactRevision` makes unreachable, `budget` rows at the most: versions superseded at or
 * before it, and event rows that lie before it entirely. An event exactly at it stays, a tombstone too: a watch may
 * begin there.
 *
 * Every superseded version has an event that names it, so walking the events to be removed finds all of it and the
 * size of the database does not matter. Deleting twice is harmless, so nothing depends on where a crash hits.
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
  const start = idle ? EMPTY_BYTES : progress.row;
  let skip = idle ? 0 : progress.finishedEvents;
  let deletions = 0;

  const rows = view.scan("event", start, eventRowKey((target + 1) as Revision, 0));
  try {
    for (let row = rows.next(); row !== undefined; row = rows.next()) {
      const events = decodeEventRow(row.key, row.value);
      for (let at = skip; at < events.length; at += 1) {
        const { main, kv, supersededRevision } = events[at]!;
        if (main > target) break;
        if (main <= done || supersededRevision === 0) continue;
        if (deletions === budget) return { done, target, row: row.key.slice(), finishedEvents: at };
        batch.del("history", historyKey(kv.key, supersededRevision));
        deletions += 1;
      }
      skip = 0;
      const last = events.at(-1);
      if (last !== undefined && last.main >= target) continue; // holds events to keep
      if (deletions === budget) return { done, target, row: row.key.slice(), finishedEvents: events.length };
      batch.del("event", row.key);
      deletions += 1;
    }
  } finally {
    rows[Symbol.dispose]();
  }
  return { done: target, target, row: EMPTY_BYTES, finishedEvents: 0 };
}
