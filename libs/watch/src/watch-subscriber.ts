import type { Revision } from "@quorate/mvcc";
import type {
  SourceId,
  StreamId,
  WatchCommand,
  WatchDelivery,
  WatcherNumber,
  WatcherSpec,
  WatchItem,
} from "./types";

/** What came of a delivery. */
export type Received =
  | { readonly kind: "items"; readonly items: readonly WatchItem[] }
  /** Late, doubled, or of another stream. */
  | { readonly kind: "ignored" }
  /** One before it was lost: the stream must be opened anew. */
  | { readonly kind: "broken" };

export interface Control {
  readonly ack: number;
  readonly firstCommand: number;
  readonly commands: readonly WatchCommand[];
}

interface Watched {
  readonly spec: WatcherSpec;
  /** The first revision not received yet; 0 until "now" is known. */
  next: Revision;
  /** "Now" is not before it. */
  readonly seen: Revision;
  /** Whether the present stream serves it. */
  confirmed: boolean;
  /** Whether the consumer was told that it is there. */
  announced: boolean;
}

/** No watcher that the present stream serves has missed anything up to `revision`, except those behind. */
interface Position {
  readonly revision: Revision;
  readonly behind: ReadonlySet<WatcherNumber>;
}

/**
 * The subscriber's side of a stream: remembers for each watcher what is to come next, so that the stream can be opened anew at
 * any time, with another fan-out, without its consumer noticing. Whatever is not the very next delivery of the present stream
 * is either ignored or ends it.
 */
export class WatchSubscriber {
  readonly #watchers = new Map<WatcherNumber, Watched>();
  #lastNumber = 0;
  #stream: StreamId | undefined;
  #source: SourceId | undefined;
  #received = 0;
  #consumed = 0;
  #commands: WatchCommand[] = [];
  #firstCommand = 1;
  #position: Position = { revision: 0 as Revision, behind: new Set() };
  #seen = 0 as Revision;

  /** Of the present stream; `undefined` until the first is begun. */
  get stream(): StreamId | undefined {
    return this.#stream;
  }

  /** Who serves the present stream, once somebody does. */
  get source(): SourceId | undefined {
    return this.#source;
  }

  /** The highest revision that was heard of; 0 before the first. */
  get revision(): Revision {
    return this.#seen;
  }

  get watcherCount(): number {
    return this.#watchers.size;
  }

  get hasUnsentCommands(): boolean {
    return this.#commands.length > 0;
  }

  /** Number of the last delivery received. */
  get received(): number {
    return this.#received;
  }

  /**
   * @param next The first revision that is wanted; 0: from now on.
   * @param seen A revision that "now" is not before, beside those that this subscriber has heard of.
   */
  create(spec: WatcherSpec, next: Revision, seen = 0 as Revision): WatcherNumber {
    this.#lastNumber += 1;
    const watcher = this.#lastNumber as WatcherNumber;
    const watched = { spec, next, seen, confirmed: false, announced: false };
    this.#watchers.set(watcher, watched);
    if (this.#stream !== undefined) this.#commands.push(this.#creation(watcher, watched));
    return watcher;
  }

  cancel(watcher: WatcherNumber): void {
    if (this.#watchers.delete(watcher) && this.#stream !== undefined)
      this.#commands.push({ kind: "cancel", watcher });
  }

  /** Asks for progress of these watchers, or of all if none is named. Lost if the stream breaks. */
  progress(watchers: readonly WatcherNumber[]): void {
    if (this.#stream !== undefined) this.#commands.push({ kind: "progress", watchers });
  }

  /** Begins another stream under the id `stream`. @returns its first commands. */
  begin(stream: StreamId): readonly WatchCommand[] {
    this.#materialize();
    this.#stream = stream;
    this.#source = undefined;
    this.#received = 0;
    this.#consumed = 0;
    this.#firstCommand = 1;
    this.#position = { revision: 0 as Revision, behind: new Set() };
    this.#commands = Array.from(this.#watchers, ([number, watched]) => {
      watched.confirmed = false;
      return this.#creation(number, watched);
    });
    return this.#commands;
  }

  /** What to tell the source now. Commands are in it until a delivery says that they were carried out. */
  control(): Control {
    return { ack: this.#consumed, firstCommand: this.#firstCommand, commands: this.#commands };
  }

  /** The consumer has taken all items of the deliveries up to `sequence`. @returns whether that is news for the source. */
  consumed(sequence: number): boolean {
    if (sequence <= this.#consumed) return false;
    this.#consumed = sequence;
    return true;
  }

  /** Somebody says that it serves the stream. The first who does is the one. @returns whether it is the one. */
  bind(source: SourceId, stream: StreamId): boolean {
    if (stream !== this.#stream) return false;
    this.#source ??= source;
    return source === this.#source;
  }

  receive(source: SourceId, delivery: WatchDelivery): Received {
    if (!this.bind(source, delivery.stream)) return { kind: "ignored" };
    const { items, sequence } = delivery;
    const expected = items.length > 0 ? this.#received + 1 : this.#received;
    if (sequence < expected) return { kind: "ignored" };
    if (sequence > expected) return { kind: "broken" };
    this.#received = sequence;
    this.#carriedOut(delivery.commands);
    // Before the items: the last position says nothing about watchers that this delivery creates.
    if (delivery.behind.length > 0) this.#materialize();
    const told = items.flatMap((item) => this.#take(item) ?? []);
    this.#moveTo(delivery);
    return { kind: "items", items: told };
  }

  /** @returns what the consumer is to be told of it. */
  #take(item: WatchItem): WatchItem | undefined {
    if (item.kind === "progress") return item;
    if (item.kind === "events") return this.#takeEvents(item);
    const watched = this.#watchers.get(item.watcher);
    if (watched === undefined) return undefined; // cancelled meanwhile
    switch (item.kind) {
      case "created": {
        if (watched.next === 0) {
          watched.next = item.next;
          this.#see((item.next - 1) as Revision);
        }
        watched.confirmed = true;
        const isFirst = !watched.announced;
        watched.announced = true;
        return isFirst ? item : undefined;
      }
      case "compacted":
        this.#watchers.delete(item.watcher);
        return item;
    }
  }

  #takeEvents(item: Extract<WatchItem, { kind: "events" }>): WatchItem | undefined {
    const told = item.watchers.filter((number) => {
      const watched = this.#watchers.get(number);
      if (watched === undefined || item.next <= watched.next) return false;
      watched.next = item.next;
      return true;
    });
    if (told.length === 0) return undefined;
    this.#see(item.revision);
    return told.length === item.watchers.length ? item : { ...item, watchers: told };
  }

  #moveTo({ revision, behind }: WatchDelivery): void {
    this.#see(revision);
    if (revision < this.#position.revision) return; // overtaken by a later one; what it says holds, but is not news
    this.#position = { revision, behind: new Set(behind) };
  }

  /** Writes what the position means into each watcher; put off because there may be many watchers, and deliveries. */
  #materialize(): void {
    const { revision, behind } = this.#position;
    for (const [number, watched] of this.#watchers) {
      if (!watched.confirmed || behind.has(number) || watched.next > revision) continue;
      watched.next = (revision + 1) as Revision;
    }
  }

  #carriedOut(commands: number): void {
    const done = commands - this.#firstCommand + 1;
    if (done <= 0) return;
    this.#commands = this.#commands.slice(done);
    this.#firstCommand = commands + 1;
  }

  #creation(watcher: WatcherNumber, { spec, next, seen }: Watched): WatchCommand {
    return { kind: "create", watcher, spec, next, seen: Math.max(this.#seen, seen) as Revision };
  }

  #see(revision: Revision): void {
    if (revision > this.#seen) this.#seen = revision;
  }
}
