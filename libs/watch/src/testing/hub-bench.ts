import { binaryString, utf8 } from "@quorate/base";
import { rangeContains, type KeyRange, type Revision } from "@quorate/mvcc";
import type {
  SourceId,
  StreamId,
  WatchCommand,
  WatchDelivery,
  WatcherNumber,
  WatcherSpec,
  WatchEvent,
  WatchItem,
} from "../types";
import { WatchHub, type WatchHubOptions } from "../watch-hub";

export const SOURCE = 1n as SourceId;

export function revision(value: number): Revision {
  return value as Revision;
}

export function stream(id: number): StreamId {
  return BigInt(id) as StreamId;
}

export function watcher(number: number): WatcherNumber {
  return number as WatcherNumber;
}

export const EVERYTHING: KeyRange = { key: new Uint8Array([0]), rangeEnd: new Uint8Array([0]) };

export function one(key: string): KeyRange {
  return { key: utf8(key), rangeEnd: undefined };
}

export function spec(range: KeyRange, more: Partial<WatcherSpec> = {}): WatcherSpec {
  return { range, prevKv: false, noPut: false, noDelete: false, ...more };
}

export function create(
  number: number,
  range: KeyRange,
  next = 0,
  more: Partial<WatcherSpec> = {},
): Extract<WatchCommand, { kind: "create" }> {
  return {
    kind: "create",
    watcher: watcher(number),
    spec: spec(range, more),
    next: revision(next),
    seen: revision(0),
  };
}

/** An event whose bytes tell what it is: `key@main`, and `|prev` where the previous version stands. */
export function event(key: string, main: number, kind: "put" | "delete" = "put"): WatchEvent {
  const head = utf8(`${key}@${main}`);
  return {
    kind,
    main: revision(main),
    key,
    bytes: utf8(`${key}@${main}|prev`),
    headBytes: head.length,
  };
}

export function describeItem(item: WatchItem): string {
  switch (item.kind) {
    case "created":
      return `created ${item.watcher} next=${item.next} revision=${item.revision}`;
    case "events":
      return `${item.watchers.join()}: ${item.events.map((bytes) => binaryString(bytes)).join(" ")} revision=${item.revision} next=${item.next}`;
    case "compacted":
      return `compacted ${item.watcher} at=${item.compactRevision}`;
    case "progress":
      return `progress ${item.watchers.join()} revision=${item.revision}`;
  }
}

/** A hub that begins at a revision, with short ways to tell it things and to see what it says. */
export class HubBench {
  readonly hub: WatchHub;
  #sent = new Map<StreamId, number>();

  constructor(at: number, options: Partial<WatchHubOptions> = {}) {
    this.hub = new WatchHub(
      { windowBytesMax: 1024 * 1024, deliveriesMax: 100, itemBytesMax: 1000, ...options },
      { revision: revision(at), compactRevision: revision(-1) },
    );
  }

  open(id: number, windowBytes = 1024 * 1024): void {
    this.hub.open(stream(id), windowBytes);
  }

  command(id: number, ...commands: WatchCommand[]): void {
    const first = (this.#sent.get(stream(id)) ?? 0) + 1;
    this.#sent.set(stream(id), first + commands.length - 1);
    this.hub.command(stream(id), first, commands);
  }

  /** Feeds one batch that begins right behind where the hub stands, unless told. */
  feed(
    events: readonly WatchEvent[],
    prevRevision = this.hub.revision as number,
    compactRevision = -1,
  ): void {
    this.hub.feed({
      prevRevision: revision(prevRevision),
      revision: revision(events.at(-1)?.main ?? prevRevision),
      compactRevision: revision(compactRevision),
      events,
    });
  }

  history(from: number, next: number, events: readonly WatchEvent[]): void {
    this.hub.history({ from: revision(from), next: revision(next), events });
  }

  deliveries(): WatchDelivery[] {
    return this.hub.takeDeliveries();
  }

  /** Everything that is delivered now, as text. */
  told(): string[] {
    return this.deliveries().flatMap(({ stream: id, items }) =>
      items.map((item) => `${id}/${describeItem(item)}`),
    );
  }
}

export function matches(range: KeyRange, key: string): boolean {
  return rangeContains(range, utf8(key));
}
