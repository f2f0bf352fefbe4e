import { assertNever, invariant } from "@quorate/base";
import type { Revision } from "@quorate/mvcc";
import { Audience } from "./audience";
import { EventWindow } from "./event-window";
import { HubStream } from "./hub-stream";
import { endOfRevision, replay, type Part, type Replayed } from "./replay";
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
 * history that the owner is asked to read. What its subscriber had seen when it began is one past to it, even where the feed has
 * yet to bring the end of that: it is served once that is there. So a slow subscriber costs others nothing, and holds no memory but what is on its
 * way to it. Revisions are never split, and no watcher is sent anything below its `next`.
 */
export class WatchHub {
  readonly #streams = new Map<StreamId, HubStream>();
  readonly #synced = new WatcherIndex<Watcher>();
  /** Streams with unsynced watchers. */
  readonly #lagging = new Set<HubStream>();
  /** Streams with something to deliver, in the order in which they got it. */
  readonly #pending = new Set<HubStream>();
  readonly #window: EventWindow;
  #compactRevision: Revision;
  /** Streams with unsynced watchers that may be able to go on. */
  readonly #catchUpDue = new Set<HubStream>();
  /** The newest revision that a subscriber has seen before the feed brought it. */
  #awaited = 0 as Revision;

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
    return this.#synced.size + this.unsyncedCount;
  }

  get unsyncedCount(): number {
    let count = 0;
    for (const { unsynced } of this.#lagging) count += unsynced.size;
    return count;
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
    if (stream?.queue.acknowledge(sequence) === true && stream.unsynced.size > 0)
      this.#catchUpDue.add(stream);
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
    this.#endWait(known);
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
    const known = this.revision;
    this.#window.restart(revision);
    this.#endWait(known);
  }

  /** The feed says that everything before `revision` has been compacted. */
  compacted(revision: Revision): void {
    this.#compacted(revision);
  }

  /** From which revision on history is needed for somebody who could go on with it. */
  historyWanted(): Revision | undefined {
    this.#catchUp();
    let least: Revision | undefined;
    for (const watcher of this.#ableToGoOn()) {
      if (least === undefined || watcher.next < least) least = watcher.next;
    }
    return least;
  }

  /** What was read because of `historyWanted`. Serves every unsynced watcher that is within it. */
  history(chunk: HistoryChunk): void {
    const waiting: Watcher[] = [];
    for (const watcher of this.#ableToGoOn()) {
      if (watcher.next >= chunk.from && watcher.next < chunk.next) waiting.push(watcher);
    }
    this.#replay(waiting, chunk.events, chunk.next);
    this.#catchUpAll();
  }

  /** History before `compactRevision` is gone. */
  historyCompacted(compactRevision: Revision): void {
    this.#compacted(compactRevision);
    this.#catchUpAll();
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
    const { spec, seen } = command;
    const now = Math.max(this.revision, seen) as Revision;
    const next = command.next > 0 ? command.next : ((now + 1) as Revision);
    const watcher = new Watcher(stream, command.watcher, { spec, seen }, next);
    stream.watchers.set(command.watcher, watcher);
    this.#push(stream, { kind: "created", watcher: command.watcher, next, revision: now });
    if (next > now) return this.#synced.add(spec.range, watcher);
    watcher.synced = false;
    this.#awaited = Math.max(this.#awaited, seen) as Revision;
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
    const first = events[from]!;
    if (to - from === 1) return this.#deliverEvent(first);
    const matches = new Map<Watcher, Uint8Array[]>();
    for (let at = from; at < to; at += 1) this.#match(events[at]!, matches);
    for (const [watcher, matched] of matches) {
      if (watcher.stream.queue.isFull) this.#desync(watcher, first.main);
      else this.#pushEvents(watcher.stream, [watcher.number], first.main, matched);
    }
  }

  #deliverEvent(event: WatchEvent): void {
    const audience = new Audience(event);
    this.#synced.visit(event.key, audience.take);
    for (const { stream, watchers, events } of audience.listeners())
      this.#pushEvents(stream, watchers, event.main, events);
    for (const watcher of audience.shutOut) this.#desync(watcher, event.main);
  }

  #match(event: WatchEvent, matches: Map<Watcher, Uint8Array[]>): void {
    this.#synced.visit(event.key, (watcher) => {
      if (!watcher.wants(event)) return;
      const matched = matches.get(watcher);
      if (matched === undefined) matches.set(watcher, [watcher.bytesOf(event)]);
      else matched.push(watcher.bytesOf(event));
    });
  }

  #pushEvents(
    stream: HubStream,
    watchers: readonly WatcherNumber[],
    revision: Revision,
    events: readonly Uint8Array[],
  ): void {
    this.#push(stream, { kind: "events", watchers, revision, next: (revision + 1) as Revision, events });
  }

  /** Ends who lies behind compaction and serves who lies in the window. */
  #catchUp(): void {
    if (this.#catchUpDue.size === 0) return;
    const streams = [...this.#catchUpDue];
    this.#catchUpDue.clear();
    const { start, revision } = this.#window;
    const waiting: Watcher[] = [];
    let least: Revision | undefined;
    for (const stream of streams) {
      for (const watcher of [...stream.unsynced]) {
        if (watcher.next < this.#compactRevision) this.#endCompacted(watcher);
        else if (watcher.next >= start && watcher.seen <= revision && !stream.queue.isFull) {
          waiting.push(watcher);
          if (least === undefined || watcher.next < least) least = watcher.next;
        }
      }
    }
    if (least === undefined) return;
    this.#replay(waiting, this.#window.from(least), (revision + 1) as Revision);
  }

  /**
   * Sends those of `events`, which are all from where the first of `watchers` stands up to, and without, `next`, that they
   * want. One whose stream gets full in between keeps the revision that it could not get as its next.
   */
  #replay(watchers: Iterable<Watcher>, events: readonly WatchEvent[], next: Revision): void {
    const { itemBytesMax } = this.options;
    const served = replay(watchers, events, itemBytesMax, (group, part) => this.#sendPart(group, part));
    for (const { watchers: upToDate } of served) {
      for (const watcher of upToDate) {
        watcher.advance(next);
        if (watcher.next > this.revision) this.#sync(watcher);
      }
    }
  }

  #sendPart({ like: { stream }, watchers }: Replayed, part: Part): boolean {
    if (stream.queue.isFull) {
      // From this revision on they have to be served again.
      for (const watcher of watchers) watcher.advance(part.first);
      return false;
    }
    this.#push(stream, {
      kind: "events",
      watchers: watchers.map(({ number }) => number),
      revision: Math.max(this.revision, part.last) as Revision, // a node's history may be ahead of the feed
      next: (part.last + 1) as Revision,
      events: part.events,
    });
    return true;
  }

  #compacted(compactRevision: Revision): void {
    if (compactRevision <= this.#compactRevision) return;
    this.#compactRevision = compactRevision;
    this.#catchUpAll();
  }

  #catchUpAll(): void {
    for (const stream of this.#lagging) this.#catchUpDue.add(stream);
  }

  /** The feed went on from `known`: to what somebody waits for, it may be. */
  #endWait(known: Revision): void {
    if (this.#awaited > known) this.#catchUpAll();
  }

  /** Unsynced watchers whose stream has room, and for which the feed has come as far as they began. */
  *#ableToGoOn(): Iterable<Watcher> {
    const { revision } = this;
    for (const { queue, unsynced } of this.#lagging) {
      if (queue.isFull) continue;
      for (const watcher of unsynced) if (watcher.seen <= revision) yield watcher;
    }
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
    const { stream } = watcher;
    stream.unsynced.add(watcher);
    this.#lagging.add(stream);
    this.#catchUpDue.add(stream);
  }

  #sync(watcher: Watcher): void {
    this.#removeUnsynced(watcher);
    watcher.synced = true;
    this.#synced.add(watcher.spec.range, watcher);
  }

  #removeUnsynced(watcher: Watcher): void {
    const { stream } = watcher;
    stream.unsynced.delete(watcher);
    if (stream.unsynced.size > 0) return;
    this.#lagging.delete(stream);
    this.#catchUpDue.delete(stream);
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
