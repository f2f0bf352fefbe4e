import { Deque } from "@quorate/base";
import type { WatchItem } from "./types";

/** What of a stream is under way: numbers deliveries and counts what the subscriber has not acknowledged. */
export class DeliveryQueue {
  #items: WatchItem[] = [];
  #itemBytes = 0;
  readonly #unacknowledged = new Deque<{ readonly sequence: number; readonly bytes: number }>();
  #unacknowledgedBytes = 0;
  #sequence = 0;

  constructor(private readonly options: { readonly windowBytes: number; readonly deliveriesMax: number }) {}

  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  /** No more events until the subscriber has acknowledged some. One that is larger than the window passes alone. */
  get isFull(): boolean {
    return (
      this.#unacknowledgedBytes + this.#itemBytes >= this.options.windowBytes ||
      this.#unacknowledged.size >= this.options.deliveriesMax
    );
  }

  /** Number of the last delivery taken. */
  get sequence(): number {
    return this.#sequence;
  }

  push(item: WatchItem): void {
    this.#items.push(item);
    this.#itemBytes += weightOf(item);
  }

  /** Everything that was pushed since the last time, as one delivery. */
  take(): readonly WatchItem[] {
    const items = this.#items;
    if (items.length === 0) return items;
    this.#sequence += 1;
    this.#unacknowledged.push({ sequence: this.#sequence, bytes: this.#itemBytes });
    this.#unacknowledgedBytes += this.#itemBytes;
    this.#items = [];
    this.#itemBytes = 0;
    return items;
  }

  /** The subscriber has consumed everything up to `sequence`. @returns whether there is room again. */
  acknowledge(sequence: number): boolean {
    const wasFull = this.isFull;
    for (let next = this.#unacknowledged.peek(); next !== undefined; next = this.#unacknowledged.peek()) {
      if (next.sequence > sequence) break;
      this.#unacknowledgedBytes -= next.bytes;
      this.#unacknowledged.shift();
    }
    return wasFull && !this.isFull;
  }
}

const ITEM_BYTES = 32;
const WATCHER_BYTES = 4;

function weightOf(item: WatchItem): number {
  if (item.kind !== "events") return ITEM_BYTES;
  let bytes = ITEM_BYTES + item.watchers.length * WATCHER_BYTES;
  for (const event of item.events) bytes += event.length + 4;
  return bytes;
}
