/** What the heap needs of its elements: an identity that breaks ties, so that the order never depends on history. */
export interface Identified {
  readonly id: bigint;
}

/** An item and the instant that it was put in with. */
export interface Entry<T> {
  readonly at: number;
  readonly item: T;
}

/**
 * Items by the instant at which they are to be looked at, the earliest first; of equal instants the smaller id.
 *
 * Nothing is moved once it is in: whoever takes an item checks whether its time has really come and puts it back if it
 * was postponed. So a renewal, by far the most frequent operation, costs nothing here.
 */
export class DeadlineHeap<T extends Identified> {
  #entries: Entry<T>[] = [];

  get size(): number {
    return this.#entries.length;
  }

  /** O(log size). */
  push(at: number, item: T): void {
    const entries = this.#entries;
    const entry = { at, item };
    entries.push(entry);
    for (let position = entries.length - 1; position > 0;) {
      const parent = (position - 1) >> 1;
      if (!isBefore(entry, entries[parent]!)) break;
      entries[position] = entries[parent]!;
      entries[parent] = entry;
      position = parent;
    }
  }

  /** The first item, if its instant is `now` or earlier. O(log size). */
  popDue(now: number): Entry<T> | undefined {
    const first = this.#entries[0];
    if (first === undefined || first.at > now) return undefined;
    const last = this.#entries.pop()!;
    if (this.#entries.length > 0) this.#sink(last);
    return first;
  }

  /** Drops every item that `isKept` does not hold for. O(size log size). */
  retain(isKept: (item: T) => boolean): void {
    const entries = this.#entries;
    this.#entries = [];
    for (const { at, item } of entries) if (isKept(item)) this.push(at, item);
  }

  clear(): void {
    this.#entries = [];
  }

  #sink(entry: Entry<T>): void {
    const entries = this.#entries;
    let position = 0;
    for (;;) {
      let least = position * 2 + 1;
      if (least >= entries.length) break;
      if (least + 1 < entries.length && isBefore(entries[least + 1]!, entries[least]!)) least += 1;
      if (!isBefore(entries[least]!, entry)) break;
      entries[position] = entries[least]!;
      position = least;
    }
    entries[position] = entry;
  }
}

function isBefore<T extends Identified>(a: Entry<T>, b: Entry<T>): boolean {
  return a.at < b.at || (a.at === b.at && a.item.id < b.item.id);
}
