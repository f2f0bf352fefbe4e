import { DeliveryQueue } from "./delivery-queue";
import type { StreamId, WatcherNumber } from "./types";
import type { Watcher } from "./watcher";

/** A stream as the hub keeps it. */
export class HubStream {
  readonly watchers = new Map<WatcherNumber, Watcher>();
  /** Those of `watchers` that have not been sent everything. */
  readonly unsynced = new Set<Watcher>();
  readonly queue: DeliveryQueue;
  /** Commands carried out so far. */
  commands = 0;

  constructor(
    readonly id: StreamId,
    options: { readonly windowBytes: number; readonly deliveriesMax: number },
  ) {
    this.queue = new DeliveryQueue(options);
  }
}
