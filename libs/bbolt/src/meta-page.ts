import { DamagedDatabaseError } from "./errors";
import {
  fnv64a,
  MAGIC,
  META_BYTES,
  PAGE_BYTES_MAX,
  PAGE_BYTES_MIN,
  PAGE_HEADER_BYTES,
  PageFlag,
  readWord,
  VERSION,
  viewOf,
  writeWord,
} from "./page-layout";
import type { ReadAt } from "./read-at";

/** What a database's first two pages tell. */
export interface Meta {
  readonly pageBytes: number;
  readonly root: number;
  readonly freelist: number;
  /** No page has this id or a higher one. */
  readonly highWater: number;
  readonly transaction: number;
}

const CHECKSUM = META_BYTES - 8;

export function metaPage(page: number, meta: Meta): Uint8Array {
  const bytes = new Uint8Array(meta.pageBytes);
  const header = viewOf(bytes);
  writeWord(header, 0, page);
  header.setUint16(8, PageFlag.META, true);
  const body = bytes.subarray(PAGE_HEADER_BYTES, PAGE_HEADER_BYTES + META_BYTES);
  const view = viewOf(body);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, VERSION, true);
  view.setUint32(8, meta.pageBytes, true);
  writeWord(view, 16, meta.root);
  writeWord(view, 32, meta.freelist);
  writeWord(view, 40, meta.highWater);
  writeWord(view, 48, meta.transaction);
  view.setBigUint64(CHECKSUM, fnv64a(body.subarray(0, CHECKSUM)), true);
  return bytes;
}

/** The newest sound meta of the two. @throws {DamagedDatabaseError} neither is sound. */
export function readMeta(readAt: ReadAt): Meta {
  const metas = [metaAt(readAt, 0)];
  // The second one begins at the second page, whose place only a sound first one tells.
  if (metas[0] !== undefined) metas.push(metaAt(readAt, metas[0].pageBytes));
  else
    for (let pageBytes = PAGE_BYTES_MIN; pageBytes <= PAGE_BYTES_MAX; pageBytes *= 2) {
      const meta = metaAt(readAt, pageBytes);
      if (meta?.pageBytes === pageBytes) metas.push(meta);
    }
  const [newest] = metas
    .filter((meta) => meta !== undefined)
    .sort((one, other) => other.transaction - one.transaction);
  if (newest === undefined) throw new DamagedDatabaseError("meta pages", "neither of them is sound");
  return newest;
}

function metaAt(readAt: ReadAt, offset: number): Meta | undefined {
  const bytes = readAt(offset + PAGE_HEADER_BYTES, META_BYTES);
  if (bytes.length < META_BYTES) return undefined;
  const view = viewOf(bytes);
  if (view.getUint32(0, true) !== MAGIC || view.getUint32(4, true) !== VERSION) return undefined;
  if (view.getBigUint64(CHECKSUM, true) !== fnv64a(bytes.subarray(0, CHECKSUM))) return undefined;
  const pageBytes = view.getUint32(8, true);
  const isPageSize = pageBytes >= PAGE_BYTES_MIN && pageBytes <= PAGE_BYTES_MAX && isPowerOfTwo(pageBytes);
  const [root, highWater, transaction] = [readWord(view, 16), readWord(view, 40), readWord(view, 48)];
  if (!isPageSize || root === undefined || highWater === undefined || transaction === undefined)
    return undefined;
  // 2^64-1 says that there is no freelist in the file.
  return {
    pageBytes,
    root,
    highWater,
    transaction,
    freelist: readWord(view, 32) ?? Number.POSITIVE_INFINITY,
  };
}

function isPowerOfTwo(value: number): boolean {
  return (value & (value - 1)) === 0;
}
