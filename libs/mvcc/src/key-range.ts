import { compareBytes } from "@quorate/base";
import type { KeyRange } from "./types";

/** True if the range names exactly one key. */
export function isSingleKey(range: KeyRange): boolean {
  return range.rangeEnd === undefined;
}

/** The excluded upper end of a range that is not a single key; `undefined` where there is none. */
export function upperEndOf(range: KeyRange): Uint8Array | undefined {
  const end = range.rangeEnd;
  if (end === undefined || end.length === 0 || (end.length === 1 && end[0] === 0)) return undefined;
  return end;
}

/** True if no key can be in the range: its end is not after its start. */
export function isEmptyRange(range: KeyRange): boolean {
  const end = upperEndOf(range);
  return end !== undefined && compareBytes(end, range.key) <= 0;
}

export function rangeContains(range: KeyRange, key: Uint8Array): boolean {
  const order = compareBytes(key, range.key);
  if (isSingleKey(range)) return order === 0;
  if (order < 0) return false;
  const end = upperEndOf(range);
  return end === undefined || compareBytes(key, end) < 0;
}
