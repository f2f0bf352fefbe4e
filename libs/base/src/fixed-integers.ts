const TWO_TO_32 = 0x1_0000_0000;

/** Writes a non-negative safe integer as 8 bytes, big endian, so that byte order is numeric order. */
export function writeUint64(target: Uint8Array, offset: number, value: number): void {
  const high = Math.floor(value / TWO_TO_32);
  const low = value >>> 0;
  target[offset] = high >>> 24;
  target[offset + 1] = high >>> 16;
  target[offset + 2] = high >>> 8;
  target[offset + 3] = high;
  target[offset + 4] = low >>> 24;
  target[offset + 5] = low >>> 16;
  target[offset + 6] = low >>> 8;
  target[offset + 7] = low;
}

/** Reads 8 big endian bytes that hold at most 2^53-1. */
export function readUint64(source: Uint8Array, offset: number): number {
  return readUint32(source, offset) * TWO_TO_32 + readUint32(source, offset + 4);
}

export function writeUint32(target: Uint8Array, offset: number, value: number): void {
  target[offset] = value >>> 24;
  target[offset + 1] = value >>> 16;
  target[offset + 2] = value >>> 8;
  target[offset + 3] = value;
}

export function readUint32(source: Uint8Array, offset: number): number {
  return (
    ((source[offset]! << 24) |
      (source[offset + 1]! << 16) |
      (source[offset + 2]! << 8) |
      source[offset + 3]!) >>>
    0
  );
}

/** A 64-bit identifier (member, cluster, lease) as 16 hex digits, without leading zeros, as etcd prints them. */
export function hexId(id: bigint): string {
  return BigInt.asUintN(64, id).toString(16);
}

/** @throws {RangeError} `text` is not 1 to 16 hex digits. */
export function parseHexId(text: string): bigint {
  if (!/^[0-9a-f]{1,16}$/i.test(text))
    throw new RangeError(`Not a hexadecimal 64-bit id: ${JSON.stringify(text)}`);
  return BigInt(`0x${text}`);
}
