import { DamagedDatabaseError } from "./errors";
import { ELEMENT_BYTES, PAGE_HEADER_BYTES, PageFlag, readWord, viewOf } from "./page-layout";

/** One element of a page: a row of a leaf, or a child of a branch. Keys and values are views into the page. */
export interface LeafElement {
  readonly flags: number;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export interface BranchElement {
  readonly key: Uint8Array;
  readonly child: number;
}

/** A page, its overflow included. What its elements point to is checked to lie within it. */
export class Page {
  readonly #view: DataView;
  readonly count: number;
  readonly kind: "branch" | "leaf";

  /**
   * @param where What errors call it.
   * @throws {DamagedDatabaseError} it is neither a branch nor a leaf, or too small for its elements.
   */
  constructor(
    private readonly bytes: Uint8Array,
    private readonly where: string,
  ) {
    if (bytes.length < PAGE_HEADER_BYTES) throw this.#damage("it is too small for a page");
    this.#view = viewOf(bytes);
    const flags = this.#view.getUint16(8, true);
    if (flags !== PageFlag.BRANCH && flags !== PageFlag.LEAF)
      throw this.#damage(`it is neither branch nor leaf (flags ${flags})`);
    this.kind = flags === PageFlag.LEAF ? "leaf" : "branch";
    this.count = this.#view.getUint16(10, true);
    if (PAGE_HEADER_BYTES + this.count * ELEMENT_BYTES > bytes.length)
      throw this.#damage(`it is too small for ${this.count} elements`);
  }

  leafElement(index: number): LeafElement {
    const at = PAGE_HEADER_BYTES + index * ELEMENT_BYTES;
    const flags = this.#view.getUint32(at, true);
    const keyAt = at + this.#view.getUint32(at + 4, true);
    const valueAt = keyAt + this.#view.getUint32(at + 8, true);
    const end = valueAt + this.#view.getUint32(at + 12, true);
    if (end > this.bytes.length) throw this.#damage(`its element ${index} ends behind it`);
    return { flags, key: this.bytes.subarray(keyAt, valueAt), value: this.bytes.subarray(valueAt, end) };
  }

  branchElement(index: number): BranchElement {
    const at = PAGE_HEADER_BYTES + index * ELEMENT_BYTES;
    const keyAt = at + this.#view.getUint32(at, true);
    const end = keyAt + this.#view.getUint32(at + 4, true);
    const child = readWord(this.#view, at + 8);
    if (end > this.bytes.length || child === undefined)
      throw this.#damage(`its element ${index} ends behind it, or has no child`);
    return { key: this.bytes.subarray(keyAt, end), child };
  }

  #damage(what: string): DamagedDatabaseError {
    return new DamagedDatabaseError(this.where, what);
  }
}
