"use strict";
var __importDefault = (this && this.__importDefault) || function (mod) {
    return (mod && mod.__esModule) ? mod : { "default": mod };
};
Object.defineProperty(exports, "__esModule", { value: true });
exports.saturatingNumber = saturatingNumber;
exports.counterOf = counterOf;
exports.unsignedId = unsignedId;
exports.signedId = signedId;
exports.wireId = wireId;
const long_1 = __importDefault(require("long"));
const errors_1 = require("./errors");
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
function saturatingNumber(value) {
    if (typeof value === "number")
        return clamp(value);
    const { high, low } = value;
    if (high === 0)
        return low >>> 0;
    return clamp(high * TWO_TO_32 + (low >>> 0));
}
/** An unsigned 64-bit counter as a number; larger than 2^53-1 does not occur honestly. @throws {DecodeError} */
function counterOf(value, field) {
    if (typeof value === "number")
        return value;
    const number = (value.high >>> 0) * TWO_TO_32 + (value.low >>> 0);
    if (number > Number.MAX_SAFE_INTEGER)
        throw new errors_1.DecodeError(field, `${value.toString()} is above 2^53-1`);
    return number;
}
/** An unsigned 64-bit identity (cluster, member), 0 to 2^64-1. */
function unsignedId(value) {
    if (typeof value === "number")
        return BigInt(value);
    halves[0] = value.low;
    halves[1] = value.high;
    return unsignedCell[0];
}
/** A signed 64-bit identity (lease). */
function signedId(value) {
    if (typeof value === "number")
        return BigInt(value);
    if (value.low === 0 && value.high === 0)
        return 0n;
    halves[0] = value.low;
    halves[1] = value.high;
    return signedCell[0];
}
/** The wire form of an identity, signed or not; a bigint given to protobufjs as it is would be written as 0. */
function wireId(id) {
    if (id === 0n)
        return long_1.default.ZERO;
    unsignedCell[0] = id; // keeps the low 64 bits, of negative ones too
    return new long_1.default(halves[0], halves[1]);
}
function clamp(value) {
    if (value > Number.MAX_SAFE_INTEGER)
        return Number.MAX_SAFE_INTEGER;
    if (value < Number.MIN_SAFE_INTEGER)
        return Number.MIN_SAFE_INTEGER;
    return value;
}
//# sourceMappingURL=int64.js.map