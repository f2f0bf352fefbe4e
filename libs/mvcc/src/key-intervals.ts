interface Interval {
  readonly start: string;
  /** Excluded. */
  readonly end: string;
}

/** A set of keys given as half-open intervals of binary strings. Lookups after a change cost a sort, else a search. */
export class KeyIntervals {
  #intervals: Interval[] = [];
  #disjoint = true;

  /** Adds start <= key < end; nothing if that is empty. */
  add(start: string, end: string): void {
    if (start >= end) return;
    this.#intervals.push({ start, end });
    this.#disjoint = false;
  }

  addPoint(key: string): void {
    this.add(key, `${key}\0`);
  }

  addAll(others: KeyIntervals): void {
    for (const { start, end } of others.#intervals) this.add(start, end);
  }

  has(key: string): boolean {
    this.#normalize();
    let low = 0;
    let high = this.#intervals.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#intervals[middle]!.start <= key) low = middle + 1;
      else high = middle;
    }
    const candidate = this.#intervals[low - 1];
    return candidate !== undefined && key < candidate.end;
  }

  #normalize(): void {
    if (this.#disjoint) return;
    const sorted = this.#intervals.sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
    const merged: Interval[] = [];
    for (const interval of sorted) {
      const last = merged.at(-1);
      if (last === undefined || interval.start > last.end) merged.push(interval);
      else if (interval.end > last.end) merged[merged.length - 1] = { start: last.start, end: interval.end };
    }
    this.#intervals = merged;
    this.#disjoint = true;
  }
}
