import { crc32 as nativeCrc32 } from "node:zlib";

/** CRC-32 (IEEE 802.3) of `bytes`; `seed` is the value of what came before, so that a chain covers all of it. */
export function crc32(bytes: Uint8Array, seed = 0): number {
  return nativeCrc32(bytes, seed);
}

/** CRC-32C (Castagnoli), which etcd hashes its store with; `seed` as above. In plain code: Node has only the other one. */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  let crc = ~seed;
  let at = 0;
  // Eight bytes a round, each through a table of its own: three times as fast as one by one.
  for (const end = bytes.length - 7; at < end; at += 8) {
    const low = crc ^ (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24));
    crc =
      CRC32C[0x700 + (low & 0xff)]! ^
      CRC32C[0x600 + ((low >>> 8) & 0xff)]! ^
      CRC32C[0x500 + ((low >>> 16) & 0xff)]! ^
      CRC32C[0x400 + (low >>> 24)]! ^
      CRC32C[0x300 + bytes[at + 4]!]! ^
      CRC32C[0x200 + bytes[at + 5]!]! ^
      CRC32C[0x100 + bytes[at + 6]!]! ^
      CRC32C[bytes[at + 7]!]!;
  }
  for (; at < bytes.length; at += 1) crc = CRC32C[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

const CRC32C = crc32cTables();

/** Eight tables in one: what a byte contributes when so many bytes follow it in the round. */
function crc32cTables(): Int32Array {
  const tables = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ 0x82f63b78;
    tables[byte] = crc;
  }
  for (let at = 256; at < tables.length; at += 1) {
    const before = tables[at - 256]!;
    tables[at] = tables[before & 0xff]! ^ (before >>> 8);
  }
  return tables;
}
