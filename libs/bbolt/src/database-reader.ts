import { compareBytes, equalBytes } from "@quorate/base";
import { DamagedDatabaseError } from "./errors";
import { readMeta, type Meta } from "./meta-page";
import { Page } from "./page";
import { BUCKET_FLAG, BUCKET_HEADER_BYTES, PAGE_HEADER_BYTES, readWord, viewOf } from "./page-layout";
import type { ReadAt } from "./read-at";

export interface DatabaseReaderOptions {
  /** The largest page, overflow included, that is taken into memory; a larger one counts as damage. */
  readonly largestPageBytes: number;
}

export interface Row {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** Deeper than any tree of 2^48 pages with two children each. */
const DEPTH_MAX = 48;
/** etcd takes requests of 1.5 MiB unless it is told otherwise, and a row is not much larger than its request. */
const LARGEST_PAGE_BYTES = 256 * 1024 * 1024;

/**
 * Reads a bbolt database. Nothing of it is kept but the path to the row at hand: a page per level of the tree, whatever the size
 * of the file. A file may be damaged in any way: reading ends with a {@link DamagedDatabaseError} then, and never goes round in circles.
 */
export class DatabaseReader {
  readonly meta: Meta;
  readonly #root: BucketReader;

  /** @throws {DamagedDatabaseError} there is no sound meta page. */
  constructor(
    dependencies: { readonly readAt: ReadAt },
    options: DatabaseReaderOptions = { largestPageBytes: LARGEST_PAGE_BYTES },
  ) {
    const { readAt } = dependencies;
    this.meta = readMeta(readAt);
    const pages = new Pages(options, { readAt, meta: this.meta });
    this.#root = new BucketReader({ pages, root: this.meta.root });
  }

  /** The names of all buckets, in order. */
  bucketNames(): Generator<Uint8Array> {
    return this.#root.bucketNames();
  }

  /** `undefined`: there is none of that name. */
  bucket(name: Uint8Array): BucketReader | undefined {
    return this.#root.bucket(name);
  }
}

/** Where a bucket's tree begins: at a page of the file, or in the value that stands for the bucket. */
type Root =
  { readonly pages: Pages; readonly root: number } | { readonly pages: Pages; readonly inline: Page };

/** A map of keys to values; buckets may lie in buckets. */
export class BucketReader {
  constructor(private readonly place: Root) {}

  /** In the order of keys. Bytes are views into a page that was read for them. @throws {DamagedDatabaseError} */
  *rows(): Generator<Row> {
    for (const { key, value, flags } of this.#elements())
      if ((flags & BUCKET_FLAG) === 0) yield { key, value };
  }

  *bucketNames(): Generator<Uint8Array> {
    for (const { key, flags } of this.#elements()) if ((flags & BUCKET_FLAG) !== 0) yield key;
  }

  bucket(name: Uint8Array): BucketReader | undefined {
    for (const { key, value, flags } of this.#elements()) {
      if ((flags & BUCKET_FLAG) === 0 || !equalBytes(key, name)) continue;
      return bucketIn(this.place.pages, value);
    }
    return undefined;
  }

  *#elements(): Generator<Row & { readonly flags: number }> {
    let last: Uint8Array | undefined;
    for (const leaf of this.#leaves()) {
      for (let index = 0; index < leaf.count; index += 1) {
        const element = leaf.leafElement(index);
        if (last !== undefined && compareBytes(last, element.key) >= 0)
          throw new DamagedDatabaseError("a bucket", "its keys are not in order");
        last = element.key;
        yield element;
      }
    }
  }

  *#leaves(): Generator<Page> {
    if ("inline" in this.place) {
      if (this.place.inline.kind !== "leaf")
        throw new DamagedDatabaseError("an inline bucket", "it is no leaf");
      yield this.place.inline;
      return;
    }
    const { pages, root } = this.place;
    // More pages than there are means that some are seen again.
    let left = pages.count;
    const path = [{ page: pages.read(root), next: 0 }];
    for (let at = path.at(-1); at !== undefined; at = path.at(-1)) {
      if (at.page.kind === "leaf") yield at.page;
      if (at.page.kind === "leaf" || at.next === at.page.count) {
        path.pop();
        continue;
      }
      const { child } = at.page.branchElement(at.next);
      at.next += 1;
      left -= 1;
      if (left < 0 || path.length === DEPTH_MAX)
        throw new DamagedDatabaseError("a bucket", "its pages form no tree");
      path.push({ page: pages.read(child), next: 0 });
    }
  }
}

function bucketIn(pages: Pages, value: Uint8Array): BucketReader {
  const root = value.length < BUCKET_HEADER_BYTES ? undefined : readWord(viewOf(value), 0);
  if (root === undefined) throw new DamagedDatabaseError("a bucket", "its root is not told");
  if (root !== 0) return new BucketReader({ pages, root });
  return new BucketReader({
    pages,
    inline: new Page(value.subarray(BUCKET_HEADER_BYTES), "an inline bucket"),
  });
}

/** The pages of a file by their ids. */
class Pages {
  constructor(
    private readonly options: DatabaseReaderOptions,
    private readonly dependencies: { readonly readAt: ReadAt; readonly meta: Meta },
  ) {}

  get count(): number {
    return this.dependencies.meta.highWater;
  }

  /** With its overflow. */
  read(id: number): Page {
    const { readAt, meta } = this.dependencies;
    const where = `page ${id}`;
    if (id < 2 || id >= meta.highWater) throw new DamagedDatabaseError(where, "there is no such page");
    const offset = id * meta.pageBytes;
    const first = readAt(offset, meta.pageBytes);
    if (first.length < PAGE_HEADER_BYTES) throw new DamagedDatabaseError(where, "the file ends before it");
    const header = viewOf(first);
    if (readWord(header, 0) !== id) throw new DamagedDatabaseError(where, "it has the number of another one");
    const bytes = (1 + header.getUint32(12, true)) * meta.pageBytes;
    if (bytes > this.options.largestPageBytes || offset + bytes > meta.highWater * meta.pageBytes)
      throw new DamagedDatabaseError(where, `it cannot have ${bytes} bytes`);
    const whole = bytes === meta.pageBytes ? first : readAt(offset, bytes);
    if (whole.length < bytes) throw new DamagedDatabaseError(where, "the file ends in it");
    return new Page(whole, where);
  }
}
