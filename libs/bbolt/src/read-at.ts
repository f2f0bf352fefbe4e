/** Reads a part of a file: `length` bytes from `offset` on, or fewer if it ends before. The bytes must not change afterwards. */
export type ReadAt = (offset: number, length: number) => Uint8Array;

/** A whole file that is in memory. */
export function readAtOf(file: Uint8Array): ReadAt {
  return (offset, length) => file.subarray(offset, offset + length);
}
