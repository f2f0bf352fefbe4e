import { utf8 } from "@quorate/base";

/** Text stands for its UTF-8 bytes, wherever a key or a value is asked for. */
export type Bytes = string | Uint8Array;

/** The keys from `start` up to, but without, `end`; without `end` exactly `start`. As etcd's `key` and `range_end`. */
export interface KeyRange {
  readonly start: Uint8Array;
  /** A single zero byte stands for "no upper bound". */
  readonly end?: Uint8Array;
}

const UNBOUNDED = new Uint8Array([0]);

export function bytesOf(value: Bytes): Uint8Array {
  return typeof value === "string" ? utf8(value) : value;
}

/** Exactly one key. */
export function exactly(key: Bytes): KeyRange {
  return { start: bytesOf(key) };
}

/** All keys that begin with `text`; the empty prefix means every key. */
export function prefix(text: Bytes): KeyRange {
  const start = bytesOf(text);
  if (start.length === 0) return { start: UNBOUNDED, end: UNBOUNDED };
  // The first key after all of them: the last byte that can grow, grown by one, and nothing behind it.
  let length = start.length;
  while (length > 0 && start[length - 1] === 0xff) length -= 1;
  if (length === 0) return { start, end: UNBOUNDED };
  const end = start.slice(0, length);
  end[length - 1]! += 1;
  return { start, end };
}

/** From `start` up to, but without, `end`, in the order of the bytes. Nothing if `end` does not come after `start`. */
export function between(start: Bytes, end: Bytes): KeyRange {
  return { start: bytesOf(start), end: bytesOf(end) };
}

/** `start` and every key after it. */
export function startingAt(start: Bytes): KeyRange {
  const key = bytesOf(start);
  return { start: key.length === 0 ? UNBOUNDED : key, end: UNBOUNDED };
}

export function everyKey(): KeyRange {
  return { start: UNBOUNDED, end: UNBOUNDED };
}
