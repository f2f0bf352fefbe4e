import { assertNever } from "@quorate/base";
import type { KeyRange, Revision } from "@quorate/mvcc";
import type { Logger } from "@quorate/telemetry";
import type { Headers } from "@quorate/transport";
import type { StreamId, WatchDelivery, WatcherNumber, WatchHub, WatchItem } from "@quorate/watch";
import { eventMessageOf, type Subjects } from "@quorate/wire";

/** Whether this fan-out is the one that publishes, and how far others have. */
export interface SeatMessage {
  readonly kind: "seat";
  readonly held: boolean;
  /** 0: not known. */
  readonly published: Revision;
}

export type EventPublisherMessage =
  | SeatMessage
  /** `arrived`: the broker has what was published before it was asked. */
  | { readonly kind: "flushed"; readonly arrived: boolean };

export interface EventPublisherOptions {
  /** Bytes of events that may be published before the broker has confirmed any of them. */
  readonly windowBytes: number;
}

export interface EventPublisherDependencies {
  readonly subjects: Subjects;
  readonly logger: Logger;
  readonly publish: (subject: string, payload: Uint8Array, headers?: Headers) => void;
  readonly flush: () => void;
}

/** The stream that a fan-out opens for itself; subscribers draw other ids. */
export const EVENT_STREAM = 0n as StreamId;
const WATCHER = 1 as WatcherNumber;
const EVERY_KEY: KeyRange = { key: new Uint8Array([0]), rangeEnd: new Uint8Array([0]) };

interface Progress {
  /** The last delivery that was published, and the revision that it ended with. */
  readonly sequence: number;
  readonly revision: Revision;
}

/**
 * Publishes every change on its event subject, while this fan-out holds the seat. It is a watcher of all keys like any other,
 * so gaps of the feed, changes of node and catching up are the hub's business, and its subscriber is the broker: what the
 * broker has confirmed is acknowledged.
 *
 * Revisions are published in order. After a lost connection, or another publisher, it goes on behind what was confirmed
 * last: some may be published twice, none is left out unless it has been compacted meanwhile.
 */
export class EventPublisher {
  #published = 0 as Revision;
  #open = false;
  #sent: Progress = { sequence: 0, revision: 0 as Revision };
  /** What the flush under way will confirm; of a stream that was closed meanwhile: nothing. */
  #flushing: Progress | "void" | undefined;

  constructor(
    private readonly options: EventPublisherOptions,
    private readonly dependencies: EventPublisherDependencies,
  ) {}

  /** Everything up to here was published, as far as is known; 0: it is not. */
  get published(): Revision {
    return this.#published;
  }

  seat(hub: WatchHub | undefined, { held, published }: SeatMessage): void {
    if (published > this.#published) this.#published = published;
    if (hub === undefined) return;
    if (!held) return this.#close(hub);
    if (!this.#open) this.#begin(hub);
  }

  /** The hub is gone, and the stream with it. */
  hubLost(): void {
    this.#open = false;
    if (this.#flushing !== undefined) this.#flushing = "void";
  }

  deliver(hub: WatchHub, { items, sequence }: WatchDelivery): void {
    if (items.length === 0) return;
    let { revision } = this.#sent;
    for (const item of items) revision = this.#publish(item, revision);
    this.#sent = { sequence, revision };
    if (items.some(({ kind }) => kind === "compacted")) {
      this.#close(hub); // opened again where history begins
      this.#published = revision;
      return;
    }
    this.#flush();
  }

  flushed(hub: WatchHub | undefined, arrived: boolean): void {
    const confirmed = this.#flushing;
    this.#flushing = undefined;
    if (hub === undefined || !this.#open) return;
    if (confirmed === undefined || confirmed === "void") return this.#flush();
    if (!arrived) return this.#close(hub); // opened again behind what was confirmed, if it still is its turn
    this.#published = confirmed.revision;
    hub.acknowledge(EVENT_STREAM, confirmed.sequence);
    if (this.#sent.sequence > confirmed.sequence) this.#flush();
  }

  #begin(hub: WatchHub): void {
    const next = (this.#published === 0 ? 0 : this.#published + 1) as Revision;
    this.dependencies.logger.info("publishing event subjects", { from: next });
    this.#open = true;
    this.#sent = { sequence: 0, revision: this.#published };
    hub.open(EVENT_STREAM, this.options.windowBytes);
    const spec = { range: EVERY_KEY, prevKv: false, noPut: false, noDelete: false };
    hub.command(EVENT_STREAM, 1, [{ kind: "create", watcher: WATCHER, spec, next, seen: 0 as Revision }]);
  }

  #close(hub: WatchHub): void {
    if (!this.#open) return;
    this.dependencies.logger.info("no longer publishing event subjects", { published: this.#published });
    hub.close(EVENT_STREAM);
    this.hubLost();
  }

  /** @returns Up to where this brings what was sent. */
  #publish(item: WatchItem, sent: Revision): Revision {
    switch (item.kind) {
      case "created":
        return Math.max(sent, item.next - 1) as Revision;
      case "events":
        for (const event of item.events) this.#publishEvent(event);
        return (item.next - 1) as Revision;
      case "compacted":
        this.dependencies.logger.warn("event subjects have a gap: what was next has been compacted", {
          from: sent + 1,
          to: item.compactRevision - 1,
        });
        return (item.compactRevision - 1) as Revision;
      case "progress":
        return sent;
      default:
        return assertNever(item);
    }
  }

  #publishEvent(event: Uint8Array): void {
    const message = eventMessageOf(event, this.dependencies.subjects);
    // A key too long for a subject: who must hear of it watches it.
    if (message === undefined) return;
    this.dependencies.publish(message.subject, message.payload, message.headers);
  }

  #flush(): void {
    if (this.#flushing !== undefined || this.#sent.sequence === 0) return;
    this.#flushing = this.#sent;
    this.dependencies.flush();
  }
}
