import Long from "long";
import { DecodeError } from "./errors";

/** What protobufjs hands out for a 64-bit field, and takes for one. */
export type WireInt64 = number | Long;

const TWO_TO_32 = 0x1_0000_0000;

// One 64-bit cell, seen as an integer and as its two halves: conversions without shifting bigints, which would allocate
// one per step. The low half comes first because every platform that Node runs on is little endian.
const halves = new Int32Array(2);
const signedCell = new BigInt64Array(halves.buffer);
const unsignedCell = new BigUint64Array(halves.buffer);

/**
 * A signed 64-bit field as a number. What does not fit becomes the nearest safe integer, so that order against every
 * value that can really occur is kept: a client may compare with, or ask for, any int64.
 */
export function saturatingNumber(value: WireInt64): number {
  if (typeof value === "number") return clamp(value);
  const { high, low } = value;
  if (high === 0) return low >>> 0;
  return clamp(high * TWO_TO_32 + (low >>> 0));
}

/** An unsigned 64-bit counter as a number; larger than 2^53-1 does not occur honestly. @throws {DecodeError} */
export function counterOf(value: WireInt64, field: string): number {
  if (typeof value === "number") return value;
  const number = (value.high >>> 0) * TWO_TO_32 + (value.low >>> 0);
  if (number > Number.MAX_SAFE_INTEGER) throw new DecodeError(field, `${value.toString()} is above 2^53-1`);
  return number;
}

/** An unsigned 64-bit identity (cluster, member), 0 to 2^64-1. */
export function unsignedId(value: WireInt64): bigint {
  if (typeof value === "number") return BigInt(value);
  halves[0] = value.low;
  halves[1] = value.high;
  return unsignedCell[0]!;
}

/** A signed 64-bit identity (lease). */
export function signedId(value: WireInt64): bigint {
  if (typeof value === "number") return BigInt(value);
  if (value.low === 0 && value.high === 0) return 0n;
  halves[0] = value.low;
  halves[1] = value.high;
  return signedCell[0]!;
}

/** The wire form of an identity, signed or not; a bigint given to protobufjs as it is would be written as 0. */
export function wireId(id: bigint): Long {
  if (id === 0n) return Long.ZERO;
  unsignedCell[0] = id; // keeps the low 64 bits, of negative ones too
  return new Long(halves[0]!, halves[1]!);
}

function clamp(value: number): number {
  if (value > Number.MAX_SAFE_INTEGER) return Number.MAX_SAFE_INTEGER;
  if (value < Number.MIN_SAFE_INTEGER) return Number.MIN_SAFE_INTEGER;
  return value;
}
