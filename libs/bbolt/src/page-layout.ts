/*
 * How a database file is laid out. All numbers are little endian, as on the machines that etcd supports.
 *
 *   page            id (8), flags (2), count of elements (2), overflow: pages that follow and belong to it (4), elements
 *   leaf element    flags (4), position of its key, counted from the element's first byte (4), key size (4), value size (4)
 *   branch element  position of its key (4), key size (4), id of the child page (8)
 *   bucket value    root page (8), sequence (8); if the root is 0, a page of its own follows in the value: an inline bucket
 *   meta            magic (4), version (4), page size (4), flags (4), root bucket (16), freelist page (8),
 *                   high water mark (8), transaction (8), FNV-1a of all before it (8)
 *
 * Pages 0 and 1 are metas; of the sound ones the newer transaction counts. Keys and values stand behind all elements of a page.
 */
export const MAGIC = 0xed0cdaed;
export const VERSION = 2;

export const PAGE_HEADER_BYTES = 16;
export const ELEMENT_BYTES = 16;
export const BUCKET_HEADER_BYTES = 16;
export const META_BYTES = 64;

export const PageFlag = { BRANCH: 1, LEAF: 2, META: 4, FREELIST: 16 } as const;

/** On a leaf element: its value is a bucket. */
export const BUCKET_FLAG = 1;

export const PAGE_BYTES_MIN = 1024;
export const PAGE_BYTES_MAX = 65_536;

/** Page ids and the like: at most 2^53-1, or `undefined`. */
export function readWord(view: DataView, at: number): number | undefined {
  const value = view.getUint32(at + 4, true) * 0x1_0000_0000 + view.getUint32(at, true);
  return Number.isSafeInteger(value) ? value : undefined;
}

export function writeWord(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true);
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const FNV_OFFSET = 0xcbf29ce484222325n;
const FNV_PRIME = 0x100000001b3n;

/** FNV-1a with 64 bits; for a few dozen bytes only, as it counts in big integers. */
export function fnv64a(bytes: Uint8Array): bigint {
  let hash = FNV_OFFSET;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * FNV_PRIME);
  return hash;
}
