import { invariant } from "@quorate/base";
import type { Revision } from "@quorate/mvcc";
import type { WatchEvent } from "./types";

/**
 * The newest events, complete from `start` to `revision`: what a watcher that fell a little behind is served from, without
 * asking a node.
 */
export class EventWindow {
  #events: WatchEvent[] = [];
  /** Index of the first event that still counts; what is before it is cut off now and then. */
  #head = 0;
  #bytes = 0;
  #start: Revision;
  #revision: Revision;

  constructor(
    private readonly options: { readonly bytesMax: number },
    revision: Revision,
  ) {
    this.#start = (revision + 1) as Revision;
    this.#revision = revision;
  }

  /** Every event of this revision and later ones is here. */
  get start(): Revision {
    return this.#start;
  }

  /** Up to here. */
  get revision(): Revision {
    return this.#revision;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Events of the revisions after the present one up to `revision`. Drops the oldest revisions beyond the limit. */
  append(events: readonly WatchEvent[], revision: Revision): void {
    for (const event of events) {
      this.#events.push(event);
      this.#bytes += weightOf(event);
    }
    this.#revision = revision;
    while (this.#bytes > this.options.bytesMax) this.#dropOldestRevision();
    if (this.#head > 1024 && this.#head * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Forgets everything: what happened up to `revision` is not known here. */
  restart(revision: Revision): void {
    this.#events = [];
    this.#head = 0;
    this.#bytes = 0;
    this.#start = (revision + 1) as Revision;
    this.#revision = revision;
  }

  /** The events of `revision`, which must be in the window or right behind it, and later ones. */
  from(revision: Revision): readonly WatchEvent[] {
    invariant(revision >= this.#start, "only what is in the window is read from it", { revision });
    let low = this.#head;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#events[middle]!.main < revision) low = middle + 1;
      else high = middle;
    }
    return this.#events.slice(low);
  }

  #dropOldestRevision(): void {
    const { main } = this.#events[this.#head]!;
    for (let event = this.#events[this.#head]; event?.main === main; event = this.#events[this.#head]) {
      this.#bytes -= weightOf(event);
      this.#head += 1;
    }
    this.#start = (main + 1) as Revision;
  }
}

/** What the objects around an event's bytes take, roughly. */
const OVERHEAD_BYTES = 200;

function weightOf(event: WatchEvent): number {
  return event.bytes.length + OVERHEAD_BYTES;
}
