import { crc32c } from "@quorate/base";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A place where a write-ahead log stops making sense. */
export interface WalDamage {
  readonly file: string;
  readonly offset: number;
  /**
   * "rot": sound records follow, so what is bad was once whole. "torn": nothing follows, as after a crash in the middle of
   * a write; or after a loss of the end, which looks the same.
   */
  readonly kind: "rot" | "torn";
  /** Records that follow a rotten one: RocksDB drops them all when it opens the database, and does not say so. */
  readonly soundAfter: number;
}

// The format of RocksDB's log files (its wiki: "Write Ahead Log File Format"); numbers are little endian.
//
//   block    32 KiB; a record never crosses its end, and at most 6 zeros fill it up
//   record   crc32c, masked (4), over type and payload; length of the payload (2); type (1); payload
//   recyclable record: types 5 to 8 and 11, the number of the log file (4) between type and payload
const BLOCK_BYTES = 32 * 1024;
const HEADER_BYTES = 7;
const RECYCLABLE_HEADER_BYTES = 11;
const RECYCLABLE_TYPES: readonly number[] = [5, 6, 7, 8, 11];
/** The last of the types: 1 to 8 for batches and parts of them, then settings of the log itself. */
const TYPE_MAX = 11;
const MASK_DELTA = 0xa282ead8;

/**
 * Reads the write-ahead logs of a closed database, oldest first, and finds records whose checksum does not fit. To be called
 * before the database is opened, for that drops everything behind the first of them without a word.
 *
 * @returns Nothing, if all is as it was written.
 */
export function checkWal(directory: string): readonly WalDamage[] {
  const files = readdirSync(directory)
    .filter((name) => /^\d+\.log$/.test(name))
    .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
  const scans = files.map((file) => ({ file, ...scan(readFileSync(join(directory, file))) }));
  return scans.flatMap(({ file, badAt, soundAfter }, at) => {
    if (badAt === undefined) return [];
    const later = scans.slice(at + 1).reduce((sum, { sound }) => sum + sound, 0);
    const following = soundAfter + later;
    return [{ file, offset: badAt, kind: following > 0 ? "rot" : "torn", soundAfter: following }];
  });
}

interface Scan {
  /** Sound records in all. */
  readonly sound: number;
  /** Where the first bad record begins. */
  readonly badAt: number | undefined;
  readonly soundAfter: number;
}

function scan(bytes: Uint8Array): Scan {
  let sound = 0;
  let soundAfter = 0;
  let badAt: number | undefined;
  for (let block = 0; block < bytes.length; block += BLOCK_BYTES) {
    const end = endOfBytes(bytes, block, Math.min(block + BLOCK_BYTES, bytes.length));
    let at = block;
    while (at < end) {
      const length = recordAt(bytes, at, Math.min(block + BLOCK_BYTES, bytes.length));
      if (length !== undefined) {
        sound += 1;
        if (badAt !== undefined) soundAfter += 1;
        at += length;
      } else {
        badAt ??= at;
        at += 1; // its length is as little to be trusted as the rest: the next sound record may begin anywhere
      }
    }
  }
  return { sound, badAt, soundAfter };
}

/** The length of the sound record at `at`; `undefined` if there is none. */
function recordAt(bytes: Uint8Array, at: number, end: number): number | undefined {
  if (at + HEADER_BYTES > end) return undefined;
  const type = bytes[at + 6]!;
  if (type === 0 || type > TYPE_MAX) return undefined;
  const header = RECYCLABLE_TYPES.includes(type) ? RECYCLABLE_HEADER_BYTES : HEADER_BYTES;
  const length = header + (bytes[at + 4]! | (bytes[at + 5]! << 8));
  if (at + length > end) return undefined;
  const stored = (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
  return stored === masked(crc32c(bytes.subarray(at + 6, at + length))) ? length : undefined;
}

/** RocksDB stores checksums changed, since that of bytes which hold their own checksum would be worth little. */
function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0;
}

/** Without the zeros that fill up a block, or a file that was made larger in advance. */
function endOfBytes(bytes: Uint8Array, from: number, to: number): number {
  let end = to;
  while (end > from && bytes[end - 1] === 0) end -= 1;
  return end;
}
