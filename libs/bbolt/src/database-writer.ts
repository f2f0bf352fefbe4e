import { binaryString, bytesOfBinaryString, invariant } from "@quorate/base";
import { metaPage } from "./meta-page";
import {
  BUCKET_FLAG,
  BUCKET_HEADER_BYTES,
  PAGE_HEADER_BYTES,
  PageFlag,
  viewOf,
  writeWord,
} from "./page-layout";
import { TreeWriter } from "./tree-writer";

export interface DatabaseWriterOptions {
  /** A power of two from 1024 to 65,536. Readers take it from the file. */
  readonly pageBytes: number;
}

export interface DatabaseWriterDependencies {
  /** Pages come in the order of their places, but for the first two, which come last. The bytes are the receiver's to keep. */
  readonly write: (offset: number, bytes: Uint8Array) => void;
}

/** The page size of the systems on which etcd is at home. */
const PAGE_BYTES = 4096;
/** Pages 0 and 1 tell where the rest is. */
const FIRST_PAGE = 2;

/**
 * Writes a bbolt database in one pass and in the memory of a few pages: bucket after bucket, the rows of each in the order of their
 * keys. It has no free pages. Until {@link end} has written the first two pages nobody takes the file for a database.
 */
export class DatabaseWriter {
  readonly #pageBytes: number;
  /** Root pages by names; `undefined`: it is empty. */
  readonly #roots = new Map<string, number | undefined>();
  #nextPage = FIRST_PAGE;
  #open: { readonly name: string; readonly tree: TreeWriter } | undefined;

  constructor(
    private readonly dependencies: DatabaseWriterDependencies,
    options: DatabaseWriterOptions = { pageBytes: PAGE_BYTES },
  ) {
    this.#pageBytes = options.pageBytes;
  }

  /** Begins a bucket, and ends the one before. */
  beginBucket(name: Uint8Array): void {
    this.#endBucket();
    const text = binaryString(name);
    invariant(!this.#roots.has(text), "each bucket is written once", { name: text });
    this.#open = { name: text, tree: this.#tree() };
  }

  /** The next row of the bucket; keys ascend. The bytes are kept until their page is written. */
  put(key: Uint8Array, value: Uint8Array): void {
    invariant(this.#open !== undefined, "rows are in a bucket");
    this.#open.tree.put(key, value);
  }

  /** @returns the size of the file, in bytes. */
  end(): number {
    this.#endBucket();
    const root = this.#writeRoot();
    const freelist = this.#append(emptyPage(PageFlag.FREELIST, this.#pageBytes));
    const meta = { pageBytes: this.#pageBytes, root, freelist, highWater: this.#nextPage };
    for (const page of [0, 1])
      this.dependencies.write(page * this.#pageBytes, metaPage(page, { ...meta, transaction: page }));
    return this.#nextPage * this.#pageBytes;
  }

  #endBucket(): void {
    if (this.#open === undefined) return;
    this.#roots.set(this.#open.name, this.#open.tree.end());
    this.#open = undefined;
  }

  #writeRoot(): number {
    const tree = this.#tree();
    const names = [...this.#roots.keys()].sort((one, other) => (one < other ? -1 : 1));
    for (const name of names)
      tree.put(bytesOfBinaryString(name), bucketValue(this.#roots.get(name)), BUCKET_FLAG);
    return tree.end() ?? this.#append(emptyPage(PageFlag.LEAF, this.#pageBytes));
  }

  #tree(): TreeWriter {
    return new TreeWriter({ sink: { pageBytes: this.#pageBytes, append: (page) => this.#append(page) } });
  }

  #append(page: Uint8Array): number {
    const id = this.#nextPage;
    writeWord(viewOf(page), 0, id);
    this.#nextPage += page.length / this.#pageBytes;
    this.dependencies.write(id * this.#pageBytes, page);
    return id;
  }
}

function emptyPage(flags: number, bytes: number): Uint8Array {
  const page = new Uint8Array(bytes);
  viewOf(page).setUint16(8, flags, true);
  return page;
}

/** An empty bucket is an inline one, as bbolt makes it. */
function bucketValue(root: number | undefined): Uint8Array {
  const value = new Uint8Array(BUCKET_HEADER_BYTES + (root === undefined ? PAGE_HEADER_BYTES : 0));
  const view = viewOf(value);
  if (root === undefined) view.setUint16(BUCKET_HEADER_BYTES + 8, PageFlag.LEAF, true);
  else writeWord(view, 0, root);
  return value;
}
