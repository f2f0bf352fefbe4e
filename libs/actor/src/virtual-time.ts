import type { Clock, Scheduler, Timer } from "@quorate/base";

interface Due {
  readonly at: number;
  readonly order: number;
  readonly task: () => void;
  cancelled: boolean;
}

/**
 * Time that passes only when told to: the same calls give the same order of tasks. Posted tasks run before any timer that
 * is due later, in the order they were posted; timers of one instant run in the order they were set.
 */
export class VirtualTime implements Clock, Scheduler {
  #now = 0;
  #order = 0;
  #heap: Due[] = [];

  now(): number {
    return this.#now;
  }

  post(task: () => void): void {
    this.setTimer(0, task);
  }

  setTimer(delayMs: number, task: () => void): Timer {
    const due: Due = { at: this.#now + Math.max(0, delayMs), order: this.#order, task, cancelled: false };
    this.#order += 1;
    this.#push(due);
    return {
      cancel: () => {
        due.cancelled = true;
      },
    };
  }

  /** Runs the next task, moving time to it. @returns false if there is none. */
  step(): boolean {
    for (let due = this.#pop(); due !== undefined; due = this.#pop()) {
      if (due.cancelled) continue;
      this.#now = due.at;
      due.task();
      return true;
    }
    return false;
  }

  /** Runs everything that is due within the next `durationMs` and leaves the time at its end. */
  advance(durationMs: number): void {
    const end = this.#now + durationMs;
    for (let next = this.#heap[0]; next !== undefined && next.at <= end; next = this.#heap[0]) {
      if (next.cancelled) this.#pop();
      else this.step();
    }
    this.#now = Math.max(this.#now, end);
  }

  #push(due: Due): void {
    const heap = this.#heap;
    heap.push(due);
    for (let at = heap.length - 1; at > 0;) {
      const parent = (at - 1) >> 1;
      if (!before(due, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      heap[parent] = due;
      at = parent;
    }
  }

  #pop(): Due | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    heap[0] = last;
    for (let at = 0; ;) {
      let least = at * 2 + 1;
      if (least >= heap.length) break;
      if (least + 1 < heap.length && before(heap[least + 1]!, heap[least]!)) least += 1;
      if (!before(heap[least]!, last)) break;
      heap[at] = heap[least]!;
      heap[least] = last;
      at = least;
    }
    return first;
  }
}

function before(a: Due, b: Due): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
