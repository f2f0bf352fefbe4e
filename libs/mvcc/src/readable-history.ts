import { decodeEventRow } from "./event-row";
import {
  keyValueOfHistory,
  modOfHistoryKey,
  prefixOfHistoryKey,
  supersedingOf,
  userKeyOfPrefix,
} from "./history-row";
import { keyValueOfLatest, modOfLatest } from "./latest-row";
import type { Event, KeyValue, Revision } from "./types";

/*
 * What is readable of a store, out of its rows one by one: the versions that could be read at the compact revision, from `latest` and
 * `history`, and every change after it, from `event`. Whatever else the rows hold is waiting for its physical compaction.
 *
 * Keys and values are views into the rows.
 */

/** @param compactRevision -1: the store was never compacted, so all of it is in its changes. */
export function keptInLatest(
  key: Uint8Array,
  row: Uint8Array,
  compactRevision: Revision,
): KeyValue | undefined {
  return modOfLatest(row) <= compactRevision ? keyValueOfLatest(key, row) : undefined;
}

export function keptInHistory(
  rowKey: Uint8Array,
  row: Uint8Array,
  compactRevision: Revision,
): KeyValue | undefined {
  const mod = modOfHistoryKey(rowKey);
  if (mod > compactRevision || supersedingOf(row) <= compactRevision) return undefined;
  return keyValueOfHistory(userKeyOfPrefix(prefixOfHistoryKey(rowKey)), mod, row);
}

/** In their order. */
export function changesAfter(rowKey: Uint8Array, row: Uint8Array, compactRevision: Revision): Event[] {
  return decodeEventRow(rowKey, row).filter(({ main }) => main > compactRevision);
}
