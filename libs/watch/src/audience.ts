import type { HubStream } from "./hub-stream";
import type { WatcherNumber, WatchEvent } from "./types";
import type { Watcher } from "./watcher";

/** Those of one stream who get the same bytes. */
export interface Listeners {
  readonly stream: HubStream;
  readonly watchers: WatcherNumber[];
  readonly events: readonly Uint8Array[];
}

/**
 * Who gets an event that is a revision of its own, which nearly all are: an item then goes to all watchers of a stream that
 * want it, so that a key which thousands watch costs a number for each of them and not an event.
 */
export class Audience {
  /** Watchers whose stream has no room. */
  readonly shutOut: Watcher[] = [];
  readonly #bare = new Map<HubStream, Listeners>();
  readonly #withPrevious = new Map<HubStream, Listeners>();

  constructor(private readonly event: WatchEvent) {}

  readonly take = (watcher: Watcher): void => {
    if (!watcher.wants(this.event)) return;
    const { stream, spec } = watcher;
    const byStream = spec.prevKv ? this.#withPrevious : this.#bare;
    const listeners = byStream.get(stream);
    if (listeners !== undefined) listeners.watchers.push(watcher.number);
    else if (stream.queue.isFull) this.shutOut.push(watcher);
    else byStream.set(stream, { stream, watchers: [watcher.number], events: [watcher.bytesOf(this.event)] });
  };

  *listeners(): Iterable<Listeners> {
    yield* this.#bare.values();
    yield* this.#withPrevious.values();
  }
}
