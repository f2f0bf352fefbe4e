import { compareBytes, EMPTY_BYTES, invariant } from "@quorate/base";
import { ELEMENT_BYTES, PAGE_HEADER_BYTES, PageFlag, viewOf, writeWord } from "./page-layout";

/** Where pages go: numbered in the order in which they come. */
export interface PageSink {
  readonly pageBytes: number;
  /** @param bytes Whole pages, without their number yet. @returns the number of the first one. */
  append(page: Uint8Array): number;
}

interface Element {
  readonly flags: number;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** Of a branch. */
  readonly child: number;
}

/** The page of a level that is being filled. */
interface Level {
  elements: Element[];
  bytes: number;
  pages: number;
}

/** So few elements are left together, even if a page of more than the usual size comes of it, as bbolt itself does. */
const BRANCH_ELEMENTS_MIN = 4;

/**
 * Makes a tree of rows that come in the order of their keys: leaves are written as they fill, and a branch above them as that
 * fills. So a page per level is all that is kept, and no page is touched again.
 */
export class TreeWriter {
  readonly #levels: Level[] = [];
  #last: Uint8Array | undefined;

  constructor(private readonly dependencies: { readonly sink: PageSink }) {}

  /** Bytes are kept until their page is written. */
  put(key: Uint8Array, value: Uint8Array, flags = 0): void {
    invariant(key.length > 0, "a key has at least one byte");
    invariant(
      this.#last === undefined || compareBytes(this.#last, key) < 0,
      "rows come in the order of their keys",
    );
    this.#last = key;
    this.#add(0, { flags, key, value, child: 0 });
  }

  /** @returns the root's page; `undefined` if there are no rows. */
  end(): number | undefined {
    for (let at = 0; ; at += 1) {
      const level = this.#levels[at];
      if (level === undefined) return undefined;
      const { child, key } = this.#write(at, level.elements);
      if (level.pages === 1) return child;
      this.#add(at + 1, { flags: 0, key, value: EMPTY_BYTES, child });
    }
  }

  #add(at: number, element: Element): void {
    const level = (this.#levels[at] ??= { elements: [], bytes: PAGE_HEADER_BYTES, pages: 0 });
    const bytes = bytesOf(element);
    if (level.elements.length > 0 && level.bytes + bytes > this.dependencies.sink.pageBytes)
      this.#spill(at, level);
    level.elements.push(element);
    level.bytes += bytes;
  }

  /** A branch keeps one back, so that its next page does not end up with a single child. */
  #spill(at: number, level: Level): void {
    const keeps = at > 0 ? 1 : 0;
    if (keeps > 0 && level.elements.length < BRANCH_ELEMENTS_MIN) return;
    const written = level.elements.slice(0, level.elements.length - keeps);
    level.elements = level.elements.slice(written.length);
    level.bytes = PAGE_HEADER_BYTES + level.elements.reduce((sum, kept) => sum + bytesOf(kept), 0);
    const { child, key } = this.#write(at, written);
    this.#add(at + 1, { flags: 0, key, value: EMPTY_BYTES, child });
  }

  #write(at: number, elements: readonly Element[]): { readonly child: number; readonly key: Uint8Array } {
    const { sink } = this.dependencies;
    const level = this.#levels[at]!;
    level.pages += 1;
    const child = sink.append(pageOf(elements, at === 0, sink.pageBytes));
    return { child, key: elements[0]!.key.slice() };
  }
}

function bytesOf({ key, value }: Element): number {
  return ELEMENT_BYTES + key.length + value.length;
}

function pageOf(elements: readonly Element[], isLeaf: boolean, pageBytes: number): Uint8Array {
  const used = elements.reduce((sum, element) => sum + bytesOf(element), PAGE_HEADER_BYTES);
  const pages = Math.ceil(used / pageBytes);
  const page = new Uint8Array(pages * pageBytes);
  const view = viewOf(page);
  view.setUint16(8, isLeaf ? PageFlag.LEAF : PageFlag.BRANCH, true);
  view.setUint16(10, elements.length, true);
  view.setUint32(12, pages - 1, true);
  let at = PAGE_HEADER_BYTES;
  let dataAt = PAGE_HEADER_BYTES + elements.length * ELEMENT_BYTES;
  for (const { flags, key, value, child } of elements) {
    if (isLeaf) {
      view.setUint32(at, flags, true);
      view.setUint32(at + 4, dataAt - at, true);
      view.setUint32(at + 8, key.length, true);
      view.setUint32(at + 12, value.length, true);
    } else {
      view.setUint32(at, dataAt - at, true);
      view.setUint32(at + 4, key.length, true);
      writeWord(view, at + 8, child);
    }
    page.set(key, dataAt);
    page.set(value, dataAt + key.length);
    dataAt += key.length + value.length;
    at += ELEMENT_BYTES;
  }
  return page;
}
