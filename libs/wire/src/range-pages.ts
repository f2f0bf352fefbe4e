import { Reader, Writer } from "protobufjs/minimal";
import { DecodeError } from "./errors";
import { saturatingNumber, type WireInt64 } from "./int64";
import { etcdserverpb } from "./protocol";

/** What a stream must know of one encoded `RangeResponse` to pass its keys on without decoding them. */
export interface RangePage {
  /** The encoded `kvs` fields, one behind the other, as they stand in the response: a view. */
  readonly kvs: Uint8Array;
  readonly keys: number;
  readonly more: boolean;
  readonly count: number;
  /** The store's revision when it was answered. */
  readonly revision: number;
  /** The encoded header: a view. */
  readonly header: Uint8Array;
}

const BYTES = 2;
const HEADER = (1 << 3) | BYTES;
const KVS = (2 << 3) | BYTES;
const MORE = 3 << 3;
const COUNT = 4 << 3;

/**
 * Takes a `RangeResponse` apart as our own nodes encode it: header, all `kvs` in a row, `more`, `count`.
 *
 * @throws {DecodeError} it is not one.
 */
export function rangePageOf(response: Uint8Array): RangePage {
  try {
    return pageOf(response);
  } catch (cause) {
    throw new DecodeError("RangeResponse", undefined, { cause });
  }
}

function pageOf(response: Uint8Array): RangePage {
  const reader = Reader.create(response);
  let header = response.subarray(0, 0);
  let [start, end, keys, count] = [0, 0, 0, 0];
  let more = false;
  while (reader.pos < reader.len) {
    const at = reader.pos;
    const tag = reader.uint32();
    if (tag === KVS) {
      if (keys === 0) start = at;
      reader.skipType(BYTES);
      end = reader.pos;
      keys += 1;
    } else if (tag === HEADER) header = reader.bytes();
    else if (tag === MORE) more = reader.bool();
    else if (tag === COUNT) count = saturatingNumber(reader.int64() as WireInt64);
    else reader.skipType(tag & 7);
  }
  return {
    kvs: response.subarray(start, end),
    keys,
    more,
    count,
    revision: saturatingNumber(etcdserverpb.ResponseHeader.decode(header).revision),
    header,
  };
}

/** What is known of a range once its last part is there. */
export interface RangeEnd {
  /** An encoded `ResponseHeader`. */
  readonly header: Uint8Array;
  readonly more: boolean;
  readonly count: number;
}

/** An encoded `RangeStreamResponse` with these encoded `kvs` fields; returns bytes of its own. */
export function encodeRangeChunk(kvs: Uint8Array, end?: RangeEnd): Uint8Array {
  const writer = Writer.create();
  writer.uint32((1 << 3) | 2).fork();
  if (end !== undefined) writer.uint32(HEADER).bytes(end.header);
  writer.raw(kvs);
  if (end?.more === true) writer.uint32(MORE).bool(true);
  if (end !== undefined && end.count > 0) writer.uint32(COUNT).int64(end.count);
  return writer.ldelim().finish();
}

/** The fields of a `RangeResponse` before its `kvs`. */
export function encodeRangeHead(header: Uint8Array): Uint8Array {
  return Writer.create().uint32(HEADER).bytes(header).finish();
}

/** The fields behind its `kvs`. */
export function encodeRangeTail({ more, count }: RangeEnd): Uint8Array {
  const writer = Writer.create();
  if (more) writer.uint32(MORE).bool(true);
  if (count > 0) writer.uint32(COUNT).int64(count);
  return writer.finish();
}
