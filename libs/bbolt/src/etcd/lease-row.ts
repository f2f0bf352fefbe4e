import { DamagedDatabaseError } from "../errors";

/** A lease as etcd stores it. */
export interface EtcdLease {
  /** Signed. */
  readonly id: bigint;
  readonly ttlSeconds: bigint;
  /** What was left of it when that was last noted; 0: nothing is noted. */
  readonly remainingSeconds: bigint;
}

/** Field numbers of leasepb.Lease, with the wire type of a varint. */
const TAGS = { id: 0x08, ttlSeconds: 0x10, remainingSeconds: 0x18 } as const;
const FIELDS = Object.entries(TAGS) as readonly (readonly [keyof EtcdLease, number])[];
const VARINT_BYTES_MAX = 10;
/** Thirty times what a lease takes: a larger row is none, whatever fields it may have. */
const ROW_BYTES_MAX = 1024;

/** A key of the bucket `lease`: the id, 8 bytes, big endian, two's complement. */
export function leaseKey(id: bigint): Uint8Array {
  const key = new Uint8Array(8);
  new DataView(key.buffer).setBigInt64(0, id);
  return key;
}

/** A value of the bucket `lease`. */
export function encodeLeaseRow(lease: EtcdLease): Uint8Array {
  const bytes: number[] = [];
  for (const [name, tag] of FIELDS) {
    let rest = BigInt.asUintN(64, lease[name]);
    if (rest === 0n) continue;
    bytes.push(tag);
    for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
    bytes.push(Number(rest));
  }
  return Uint8Array.from(bytes);
}

/** Fields that are not known are passed over if they are varints: all that leases ever had. @throws {DamagedDatabaseError} */
export function decodeLeaseRow(row: Uint8Array): EtcdLease {
  if (row.length > ROW_BYTES_MAX) throw new DamagedDatabaseError("bucket lease", "a row of it is no lease");
  const lease = { id: 0n, ttlSeconds: 0n, remainingSeconds: 0n };
  for (let at = 0; at < row.length;) {
    const tag = row[at];
    let value = 0n;
    let length = 0;
    for (let more = true; more; length += 1) {
      const byte = row[at + 1 + length];
      if (byte === undefined || length === VARINT_BYTES_MAX || (tag! & 0x87) !== 0)
        throw new DamagedDatabaseError("bucket lease", "a row of it is no lease");
      value |= BigInt(byte & 0x7f) << BigInt(7 * length);
      more = byte >= 0x80;
    }
    at += 1 + length;
    for (const [name, known] of FIELDS) if (known === tag) lease[name] = BigInt.asIntN(64, value);
  }
  return lease;
}
