import Long from "long";
/** What protobufjs hands out for a 64-bit field, and takes for one. */
export type WireInt64 = number | Long;
/**
 * A signed 64-bit field as a number. What does not fit becomes the nearest safe integer, so that order against every
 * value that can really occur is kept: a client may compare with, or ask for, any int64.
 */
export declare function saturatingNumber(value: WireInt64): number;
/** An unsigned 64-bit counter as a number; larger than 2^53-1 does not occur honestly. @throws {DecodeError} */
export declare function counterOf(value: WireInt64, field: string): number;
/** An unsigned 64-bit identity (cluster, member), 0 to 2^64-1. */
export declare function unsignedId(value: WireInt64): bigint;
/** A signed 64-bit identity (lease). */
export declare function signedId(value: WireInt64): bigint;
/** The wire form of an identity, signed or not; a bigint given to protobufjs as it is would be written as 0. */
export declare function wireId(id: bigint): Long;
//# sourceMappingURL=int64.d.ts.map