import { readUint32, writeUint32 } from "@quorate/base";
import { NO_LEASE, type LeaseId } from "./types";

/** Writes 8 bytes, big endian, two's complement. The target must be zero there: "no lease" writes nothing. */
export function writeLease(target: Uint8Array, offset: number, lease: LeaseId): void {
  if (lease === NO_LEASE) return; // nearly every key: no big integer arithmetic for it
  const bits = BigInt.asUintN(64, lease);
  writeUint32(target, offset, Number(bits >> 32n));
  writeUint32(target, offset + 4, Number(bits & 0xffff_ffffn));
}

export function readLease(source: Uint8Array, offset: number): LeaseId {
  const high = readUint32(source, offset);
  const low = readUint32(source, offset + 4);
  if (high === 0 && low === 0) return NO_LEASE;
  return BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low)) as LeaseId;
}
