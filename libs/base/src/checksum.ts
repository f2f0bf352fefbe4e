import { crc32 as nativeCrc32 } from "node:zlib";

/** CRC-32 (IEEE 802.3) of `bytes`; `seed` is the value of what came before, so that a chain covers all of it. */
export function crc32(bytes: Uint8Array, seed = 0): number {
  return nativeCrc32(bytes, seed);
}
