import { EMPTY_BYTES, successorOf } from "@quorate/base";
import { decodeEventRow, eventRowKey } from "./event-row";
import { keyValueOfHistory, historyKey } from "./history-row";
import type { Event, KeyValue, Revision } from "./types";
import type { ReadView } from "./view";

/**
 * Every kept event with main revision `from` or later, ordered by (main, sub).
 *
 * The caller compares `from` with the compact revision: behind it events may be missing without a sign. Keys and values
 * are views into rows that stay alive. Holds an iterator until it is exhausted or returned.
 */
export function* readEvents(view: ReadView, from: Revision): Generator<Event, void, undefined> {
  const rows = view.scan("event", firstEventRow(view, from), undefined);
  try {
    for (let row = rows.next(); row !== undefined; row = rows.next()) {
      for (const event of decodeEventRow(row.key, row.value)) if (event.main >= from) yield event;
    }
  } finally {
    rows[Symbol.dispose]();
  }
}

/**
 * Where to begin to read the events of `from` and later. A row begins anywhere in a batch, so they may lie in the last row
 * that starts at or before it.
 */
export function firstEventRow(view: ReadView, from: Revision): Uint8Array {
  const exact = eventRowKey(from, 0);
  const before = view.scan("event", EMPTY_BYTES, successorOf(exact), {
    reverse: true,
    keysOnly: true,
    expect: 1,
  });
  try {
    return before.next()?.key ?? exact;
  } finally {
    before[Symbol.dispose]();
  }
}

/**
 * The state of the event's key right before the event's main revision, as a watcher asks for with `prev_kv`.
 *
 * @returns `undefined` if the key did not exist, or if that version has been compacted. One lookup; the value is a copy.
 */
export function previousKeyValue(
  view: ReadView,
  event: Event,
  compactRevision: Revision,
): KeyValue | undefined {
  const superseded = event.supersededRevision;
  // The version was last visible at main - 1. Whether its row still exists depends on this member's progress with
  // physical compaction; the answer must not.
  if (superseded === 0 || event.main - 1 < compactRevision) return undefined;
  const row = view.get("history", historyKey(event.kv.key, superseded));
  return row === undefined ? undefined : keyValueOfHistory(event.kv.key, superseded, row.slice());
}

/** {@link previousKeyValue} of many events, in their order, in one lookup. */
export function previousKeyValues(
  view: ReadView,
  events: readonly Event[],
  compactRevision: Revision,
): (KeyValue | undefined)[] {
  const isKept = ({ supersededRevision, main }: Event): boolean =>
    supersededRevision !== 0 && main - 1 >= compactRevision;
  const superseding = events.filter(isKept);
  const rows = view.getMany(
    "history",
    superseding.map((event) => historyKey(event.kv.key, event.supersededRevision)),
  );
  let at = 0;
  return events.map((event) => {
    if (!isKept(event)) return undefined;
    const row = rows[at++];
    return row === undefined
      ? undefined
      : keyValueOfHistory(event.kv.key, event.supersededRevision, row.slice());
  });
}
