import { assertNever, invariant } from "@quorate/base";
import type { Revision } from "@quorate/mvcc";
import { EventWindow } from "./event-window";
import { HubStream } from "./hub-stream";
import type { StreamId, WatchCommand, WatchDelivery, WatcherNumber, WatchEvent } from "./types";
import { Watcher } from "./watcher";
import { WatcherIndex } from "./watcher-index";

export interface WatchHubOptions {
  /** Bytes of recent events kept in memory for watchers that fell behind a little. */
  readonly windowBytesMax: number;
  /** Deliveries that may be under way to one subscriber. */
  readonly deliveriesMax: number;
  /** Bytes of events for one watcher after which an item is cut, at the end of a revision. */
  readonly itemBytesMax: number;
}

/** The revisions that a batch of events covers: those after `prevRevision` up to `revision`. */
export interface FeedBatch {
  readonly prevRevision: Revision;
  readonly revision: Revision;
  readonly compactRevision: Revision;
  readonly events: readonly WatchEvent[];
}

/** Every event from `from` up to, and without, `next`. */
export interface HistoryChunk {
  readonly from: Revision;
  readonly next: Revision;
  readonly events: readonly WatchEvent[];
}

/**
 * All watchers of a fan-out: what happens is handed in, what is to be delivered is taken out. Nothing here waits.
 *
 * A watcher is *synced* if it has been sent everything; events that come in are matched to these at once. It becomes
 * *unsynced* when it begins in the past, when its stream has no room for an event that it should get, or when the feed had a
 * gap. Then it is served from its `next` revision on, out of the window of recent events or, where that does not reach, out of
 * history that the owner is asked to read. So a slow subscriber costs others nothing, and holds no memory but what is on its
 * way to it. Revisions are never split, and no watcher is sent anything below its `next`.
 */
export class WatchHub {
  readonly #streams = new Map<StreamId, HubStream>();
  readonly #synced = new WatcherIndex<Watcher>();
  readonly #unsynced = new WatcherIndex<Watcher>();
  readonly #unsyncedWatchers = new Set<Watcher>();
  /** Streams with something to deliver, in the order in which they got it. */
  readonly #pending = new Set<HubStream>();
  readonly #window: EventWindow;
  #compactRevision: Revision;
  /** Whether an unsynced watcher may be able to go on. */
  #catchUpDue = false;

  constructor(
    private readonly options: WatchHubOptions,
    /** Where the feed begins. */
    at: { readonly revision: Revision; readonly compactRevision: Revision },
  ) {
    this.#window = new EventWindow({ bytesMax: options.windowBytesMax }, at.revision);
    this.#compactRevision = at.compactRevision;
  }

  /** All events up to here have come in, or are known to be in history. */
  get revision(): Revision {
    return this.#window.revision;
  }

  get streamCount(): number {
    return this.#streams.size;
  }

  get watcherCount(): number {
    return this.#synced.size + this.#unsynced.size;
  }

  get unsyncedCount(): number {
    return this.#unsyncedWatchers.size;
  }

  has(id: StreamId): boolean {
    return this.#streams.has(id);
  }

  /** Whether a watcher of the stream has not been sent everything. */
  isBehind(id: StreamId): boolean {
    const stream = this.#streams.get(id);
    return stream !== undefined && stream.unsynced.size > 0;
  }

  /** @param windowBytes Bytes that may be under way to the subscriber. */
  open(id: StreamId, windowBytes: number): void {
    if (this.#streams.has(id)) return;
    const { deliveriesMax } = this.options;
    this.#streams.set(id, new HubStream(id, { windowBytes, deliveriesMax }));
  }

  close(id: StreamId): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    for (const watcher of stream.watchers.values()) this.#forget(watcher);
    this.#streams.delete(id);
    this.#pending.delete(stream);
  }

  /** Carries out those of `commands`, the first of which has the number `first`, that are next in turn. */
  command(id: StreamId, first: number, commands: readonly WatchCommand[]): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    commands.forEach((command, at) => {
      if (first + at !== stream.commands + 1) return; // carried out before, or one before it was lost
      stream.commands += 1;
      this.#perform(stream, command);
    });
  }

  /** The subscriber has consumed all deliveries up to `sequence`. */
  acknowledge(id: StreamId, sequence: number): void {
    const stream = this.#streams.get(id);
    if (stream?.queue.acknowledge(sequence) === true && stream.unsynced.size > 0) this.#catchUpDue = true;
  }

  /**
   * Takes in what a node applied. What is known already is ignored; if something before it is missing, all watchers turn to
   * history for that.
   */
  feed(batch: FeedBatch): void {
    this.#compacted(batch.compactRevision);
    if (batch.revision <= this.revision) return;
    if (batch.prevRevision > this.revision) this.skipTo(batch.prevRevision);
    const known = this.revision;
    const events = batch.events.filter((event) => event.main > known);
    for (let from = 0; from < events.length;) {
      const to = endOfRevision(events, from);
      this.#deliverLive(events, from, to);
      from = to;
    }
    this.#window.append(events, batch.revision);
  }

  /** The store stands at `revision` (or further), and what happened up to there was not heard. */
  skipTo(revision: Revision): void {
    if (revision <= this.revision) return;
    const missing = (this.revision + 1) as Revision;
    for (const stream of this.#streams.values()) {
      for (const watcher of stream.watchers.values()) {
        // One that begins after the gap misses nothing.
        if (watcher.synced && watcher.next <= revision) this.#desync(watcher, missing);
      }
    }
    this.#window.restart(revision);
  }

  /** The feed says that everything before `revision` has been compacted. */
  compacted(revision: Revision): void {
    this.#compacted(revision);
  }

  /** From which revision on history is needed for somebody who could go on with it. */
  historyWanted(): Revision | undefined {
    this.#catchUp();
    let least: Revision | undefined;
    for (const watcher of this.#unsyncedWatchers) {
      if (watcher.stream.queue.isFull) continue;
      if (least === undefined || watcher.next < least) least = watcher.next;
    }
    return least;
  }

  /** What was read because of `historyWanted`. Serves every unsynced watcher that is within it. */
  history(chunk: HistoryChunk): void {
    this.#replay(chunk.events, chunk.from, chunk.next);
    this.#catchUpDue = true;
  }

  /** History before `compactRevision` is gone. */
  historyCompacted(compactRevision: Revision): void {
    this.#compacted(compactRevision);
    this.#catchUpDue = true;
  }

  /** What there is to deliver now, one delivery per stream. */
  takeDeliveries(): WatchDelivery[] {
    this.#catchUp();
    const deliveries: WatchDelivery[] = [];
    for (const stream of this.#pending) deliveries.push(this.#delivery(stream));
    this.#pending.clear();
    return deliveries;
  }

  /** Where the stream stands, and whatever is still to be delivered; `undefined` if it is not known. */
  position(id: StreamId): WatchDelivery | undefined {
    const stream = this.#streams.get(id);
    if (stream === undefined) return undefined;
    this.#catchUp();
    this.#pending.delete(stream);
    return this.#delivery(stream);
  }

  #delivery(stream: HubStream): WatchDelivery {
    const items = stream.queue.take();
    return {
      stream: stream.id,
      sequence: stream.queue.sequence,
      commands: stream.commands,
      items,
      revision: this.revision,
      behind: Array.from(stream.unsynced, (watcher) => watcher.number),
    };
  }

  #perform(stream: HubStream, command: WatchCommand): void {
    switch (command.kind) {
      case "create":
        return this.#create(stream, command);
      case "cancel": {
        const watcher = stream.watchers.get(command.watcher);
        if (watcher !== undefined) this.#forget(watcher);
        return;
      }
      case "progress":
        return this.#progress(stream, command.watchers);
      default:
        return assertNever(command);
    }
  }

  #create(stream: HubStream, command: Extract<WatchCommand, { kind: "create" }>): void {
    const { revision } = this;
    const fromNow = (Math.max(revision, command.seen) + 1) as Revision;
    const next = command.next > 0 ? command.next : fromNow;
    const watcher = new Watcher(stream, command.watcher, command.spec, next);
    stream.watchers.set(command.watcher, watcher);
    this.#push(stream, { kind: "created", watcher: command.watcher, next, revision });
    if (next > revision) return this.#synced.add(command.spec.range, watcher);
    watcher.synced = false;
    this.#addUnsynced(watcher);
  }

  #progress(stream: HubStream, numbers: readonly WatcherNumber[]): void {
    const watchers =
      numbers.length === 0
        ? [...stream.watchers.values()]
        : numbers.flatMap((number) => stream.watchers.get(number) ?? []);
    const { revision } = this;
    const told = watchers.filter((watcher) => watcher.synced && watcher.next <= revision + 1);
    const isComplete = numbers.length > 0 || told.length === watchers.length;
    if (told.length === 0 || !isComplete) return;
    const named = numbers.length === 0 ? [] : told.map((watcher) => watcher.number);
    this.#push(stream, { kind: "progress", revision, watchers: named });
  }

  /** One revision to all who are synced and watch a key of it. */
  #deliverLive(events: readonly WatchEvent[], from: number, to: number): void {
    const matches = new Map<Watcher, Uint8Array[]>();
    for (let at = from; at < to; at += 1) this.#match(this.#synced, events[at]!, matches);
    const revision = events[from]!.main;
    const next = (revision + 1) as Revision;
    for (const [watcher, matched] of matches) {
      if (watcher.stream.queue.isFull) this.#desync(watcher, revision);
      else
        this.#push(watcher.stream, {
          kind: "events",
          watcher: watcher.number,
          revision,
          next,
          events: matched,
        });
    }
  }

  #match(index: WatcherIndex<Watcher>, event: WatchEvent, matches: Map<Watcher, Uint8Array[]>): void {
    index.visit(event.key, (watcher) => {
      if (!watcher.wants(event)) return;
      const matched = matches.get(watcher);
      if (matched === undefined) matches.set(watcher, [watcher.bytesOf(event)]);
      else matched.push(watcher.bytesOf(event));
    });
  }

  /** Ends who lies behind compaction and serves who lies in the window. */
  #catchUp(): void {
    if (!this.#catchUpDue) return;
    this.#catchUpDue = false;
    const { start, revision } = this.#window;
    let least: Revision | undefined;
    for (const watcher of [...this.#unsyncedWatchers]) {
      if (watcher.next < this.#compactRevision) this.#endCompacted(watcher);
      else if (watcher.next >= start && !watcher.stream.queue.isFull) {
        if (least === undefined || watcher.next < least) least = watcher.next;
      }
    }
    if (least === undefined) return;
    this.#replay(this.#window.from(least), least, (revision + 1) as Revision);
  }

  /**
   * Sends `events`, which are all from `from` up to, and without, `next`, to every unsynced watcher that lies within them.
   * One whose stream gets full in between keeps the revision that it could not get as its next.
   */
  #replay(events: readonly WatchEvent[], from: Revision, next: Revision): void {
    const waiting = new Set<Watcher>();
    for (const watcher of this.#unsyncedWatchers) {
      if (watcher.next >= from && watcher.next < next) waiting.add(watcher);
    }
    if (waiting.size === 0) return;
    const parts = new Map<Watcher, Part>();
    const send = (watcher: Watcher, part: Part): void => {
      if (watcher.stream.queue.isFull) {
        // From this revision on it has to be served again.
        watcher.advance(part.first);
        waiting.delete(watcher);
        return;
      }
      this.#push(watcher.stream, {
        kind: "events",
        watcher: watcher.number,
        revision: Math.max(this.revision, part.last) as Revision, // a node's history may be ahead of the feed
        next: (part.last + 1) as Revision,
        events: part.events,
      });
    };
    for (let at = 0; at < events.length && waiting.size > 0;) {
      const end = endOfRevision(events, at);
      const revision = events[at]!.main;
      const matches = new Map<Watcher, Uint8Array[]>();
      for (; at < end; at += 1) this.#match(this.#unsynced, events[at]!, matches);
      for (const [watcher, matched] of matches) {
        if (!waiting.has(watcher)) continue;
        const part = parts.get(watcher) ?? new Part(revision);
        part.add(revision, matched);
        parts.set(watcher, part);
        if (part.bytes < this.options.itemBytesMax) continue;
        parts.delete(watcher);
        send(watcher, part);
      }
    }
    for (const [watcher, part] of parts) send(watcher, part);
    for (const watcher of waiting) {
      watcher.advance(next);
      if (watcher.next > this.revision) this.#sync(watcher);
    }
  }

  #compacted(compactRevision: Revision): void {
    if (compactRevision <= this.#compactRevision) return;
    this.#compactRevision = compactRevision;
    if (this.#unsyncedWatchers.size > 0) this.#catchUpDue = true;
  }

  #endCompacted(watcher: Watcher): void {
    this.#forget(watcher);
    this.#push(watcher.stream, {
      kind: "compacted",
      watcher: watcher.number,
      compactRevision: this.#compactRevision,
    });
  }

  #desync(watcher: Watcher, next: Revision): void {
    invariant(watcher.synced, "a watcher leaves the synced ones once");
    this.#synced.delete(watcher.spec.range, watcher);
    watcher.synced = false;
    watcher.advance(next);
    this.#addUnsynced(watcher);
  }

  #addUnsynced(watcher: Watcher): void {
    this.#unsynced.add(watcher.spec.range, watcher);
    this.#unsyncedWatchers.add(watcher);
    watcher.stream.unsynced.add(watcher);
    this.#catchUpDue = true;
  }

  #sync(watcher: Watcher): void {
    this.#removeUnsynced(watcher);
    watcher.synced = true;
    this.#synced.add(watcher.spec.range, watcher);
  }

  #removeUnsynced(watcher: Watcher): void {
    this.#unsynced.delete(watcher.spec.range, watcher);
    this.#unsyncedWatchers.delete(watcher);
    watcher.stream.unsynced.delete(watcher);
  }

  #forget(watcher: Watcher): void {
    if (watcher.synced) this.#synced.delete(watcher.spec.range, watcher);
    else this.#removeUnsynced(watcher);
    watcher.stream.watchers.delete(watcher.number);
  }

  #push(stream: HubStream, item: WatchDelivery["items"][number]): void {
    stream.queue.push(item);
    this.#pending.add(stream);
  }
}

/** Events of consecutive revisions that go to one watcher together. */
class Part {
  readonly events: Uint8Array[] = [];
  bytes = 0;
  last: Revision;

  constructor(readonly first: Revision) {
    this.last = first;
  }

  add(revision: Revision, events: readonly Uint8Array[]): void {
    this.last = revision;
    for (const event of events) {
      this.events.push(event);
      this.bytes += event.length;
    }
  }
}

/** The index behind the last event that has the revision of the one at `from`. */
function endOfRevision(events: readonly WatchEvent[], from: number): number {
  const { main } = events[from]!;
  let to = from + 1;
  while (to < events.length && events[to]!.main === main) to += 1;
  return to;
}
