import { binaryString } from "@quorate/base";
import { isSingleKey, upperEndOf, type KeyRange } from "@quorate/mvcc";
import { IntervalTree, type Interval } from "./interval-tree";

/** Finds who watches a key: those of one key in a map, those of ranges in a tree. */
export class WatcherIndex<T> {
  readonly #singles = new Map<string, Set<T>>();
  readonly #ranges = new IntervalTree<T>();
  #singleCount = 0;

  get size(): number {
    return this.#singleCount + this.#ranges.size;
  }

  add(range: KeyRange, value: T): void {
    if (!isSingleKey(range)) return this.#ranges.add(intervalOf(range), value);
    const key = binaryString(range.key);
    const values = this.#singles.get(key);
    if (values === undefined) this.#singles.set(key, new Set([value]));
    else if (values.has(value)) return;
    else values.add(value);
    this.#singleCount += 1;
  }

  delete(range: KeyRange, value: T): void {
    if (!isSingleKey(range)) return this.#ranges.delete(intervalOf(range), value);
    const key = binaryString(range.key);
    const values = this.#singles.get(key);
    if (values === undefined || !values.delete(value)) return;
    this.#singleCount -= 1;
    if (values.size === 0) this.#singles.delete(key);
  }

  /** @param key A binary string. */
  visit(key: string, visitor: (value: T) => void): void {
    this.#singles.get(key)?.forEach(visitor);
    this.#ranges.visit(key, visitor);
  }
}

function intervalOf(range: KeyRange): Interval {
  const end = upperEndOf(range);
  return { from: binaryString(range.key), to: end === undefined ? undefined : binaryString(end) };
}
