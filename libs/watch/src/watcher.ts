import { binaryString } from "@quorate/base";
import type { Revision } from "@quorate/mvcc";
import type { HubStream } from "./hub-stream";
import type { WatcherNumber, WatcherSpec, WatchEvent } from "./types";

/**
 * One watcher of one stream.
 *
 * While it is synced it has been sent everything up to where the hub stands, and `next` is only a lower bound: no event
 * before it is ever sent. While it is unsynced, `next` is exactly what it must be sent next. It only rises.
 */
export class Watcher {
  #next: Revision;
  synced = true;
  readonly spec: WatcherSpec;
  /** Its subscriber had seen this revision when it began. */
  readonly seen: Revision;

  constructor(
    readonly stream: HubStream,
    readonly number: WatcherNumber,
    { spec, seen }: { readonly spec: WatcherSpec; readonly seen: Revision },
    next: Revision,
  ) {
    this.spec = spec;
    this.seen = seen;
    this.#next = next;
  }

  get next(): Revision {
    return this.#next;
  }

  advance(next: Revision): void {
    if (next > this.#next) this.#next = next;
  }

  /** The same for all watchers that want the same events in the same form. */
  get wish(): string {
    const { range, prevKv, noPut, noDelete } = this.spec;
    const { key, rangeEnd } = range;
    const end = rangeEnd === undefined ? "" : binaryString(rangeEnd);
    return `${Number(prevKv)}${Number(noPut)}${Number(noDelete)} ${key.length} ${binaryString(key)}${end}`;
  }

  wants(event: WatchEvent): boolean {
    return event.main >= this.#next && !(event.kind === "put" ? this.spec.noPut : this.spec.noDelete);
  }

  bytesOf(event: WatchEvent): Uint8Array {
    return this.spec.prevKv ? event.bytes : event.bytes.subarray(0, event.headBytes);
  }
}
