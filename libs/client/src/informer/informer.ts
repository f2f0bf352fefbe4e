import { assertNever, type Timer } from "@quorate/base";
import type { Revision } from "@quorate/mvcc";
import type { WatcherNumber, WatchItem } from "@quorate/watch";
import { QuorateError } from "../errors";
import { bytesOf, type Bytes, type KeyRange } from "../key-range";
import { newWatchConnection, type WatchPorts } from "../watch/new-watch-connection";
import { watchEvent } from "../watch/watch";
import type { WatchConnection } from "../watch/watch-connection";
import { InformerCache, type Decode } from "./informer-cache";
import type { AnyEntry, InformerEntry, InvalidEntry } from "./informer-entry";
import type { Change } from "./informer-event";
import { InformerEvents } from "./informer-events";
import { listInPages, type RangeCall } from "./paged-list";
import { listPatiently } from "./patient-list";
import { RevisionWaiters } from "./revision-waiters";

export interface InformerOptions<T> {
  /** Makes a value of what a key holds. What it throws is told of that key alone, see {@link InformerEvent}. */
  readonly decode: Decode<T>;
  /** Key-values per page of a list, 500 by default; halved whenever a page does not arrive in time, but not below 16. */
  readonly pageKeys?: number;
  /** Keys that may be cached; more end the informer with {@link InformerFullError}. 1,000,000 by default. */
  readonly keysMax?: number;
  /** Changes that may wait for a listener one by one, before those of one key are joined; 10,000 by default. */
  readonly pendingMax?: number;
  /** Ends the informer as `close` does. */
  readonly signal?: AbortSignal;
}

/** The range holds more keys than the informer may cache. */
export class InformerFullError extends Error {
  override readonly name = "InformerFullError";
  readonly code = "full";

  constructor(readonly keysMax: number) {
    super(`Cannot cache the range: it holds more than ${keysMax} keys`);
  }
}

export interface InformerDependencies extends WatchPorts {
  readonly range: RangeCall;
  /** Called once, when nothing more will come; perhaps before the informer is made. */
  readonly ended: (informer: AsyncDisposable) => void;
}

const PAGE_KEYS = 500;
const KEYS_MAX = 1_000_000;
const PENDING_MAX = 10_000;
/** How often the source is asked how far it is while somebody waits for a revision. It need not answer. */
const PROGRESS_MS = 100;

/**
 * A range of keys, decoded and kept up to date: read once, then watched from the next revision on, and read again where the
 * store has forgotten what the watch would have to tell next.
 *
 * 1. The cache is the range exactly as it was at `revision`, which never falls: transactions are seen whole.
 * 2. A listener is told what leads from nothing to the cache, and then every difference, in order for each key, once.
 * 3. What a new list reveals is told as any other change. What came and went between two lists is not told.
 * 4. Nobody holds up the cache: neither a listener that does not listen, nor a value that cannot be decoded.
 *
 * Memory: the decoded keys, twice while a list is read; 1 MiB of events on their way; for each listener `pendingMax` changes
 * and one for each key at most.
 */
export class Informer<T> implements AsyncDisposable {
  /** Resolves when the range was read once; rejects with what ended the informer before that. */
  readonly synced: Promise<void>;
  readonly #synced = Promise.withResolvers<void>();
  readonly #cache: InformerCache<T>;
  readonly #connection: WatchConnection;
  readonly #waiters = new RevisionWaiters();
  readonly #listeners = new Set<InformerEvents<T>>();
  readonly #closing = new AbortController();
  #watcher: WatcherNumber | undefined;
  #revision = 0;
  #asking: Timer | undefined;
  /** Why it ended, unless it was asked to. */
  #failure: Error | undefined;

  constructor(
    private readonly watched: KeyRange,
    private readonly options: InformerOptions<T>,
    private readonly dependencies: InformerDependencies,
  ) {
    this.synced = this.#synced.promise;
    this.synced.catch(() => undefined); // whoever awaits it hears of it, and nobody has to
    this.#cache = new InformerCache(options.decode);
    this.#connection = newWatchConnection(dependencies, (items, sequence) => this.#receive(items, sequence));
    options.signal?.addEventListener("abort", this.#abort, { once: true });
    if (options.signal?.aborted === true) this.#abort();
    else void this.#list();
  }

  /** Nothing more will come. */
  get isEnded(): boolean {
    return this.#closing.signal.aborted;
  }

  /** What the cache shows is how the range was at this revision; 0 before it was read. */
  get revision(): number {
    return this.#revision;
  }

  /** Keys, those included that could not be decoded. */
  get size(): number {
    return this.#cache.size;
  }

  /** `undefined` if there is no such key, or if what it holds could not be decoded. */
  get(key: Bytes): InformerEntry<T> | undefined {
    const entry = this.look(key);
    return entry?.isValid === true ? entry : undefined;
  }

  /** The same, but also a key that could not be decoded. */
  look(key: Bytes): InformerEntry<T> | InvalidEntry | undefined {
    return this.#cache.get(bytesOf(key));
  }

  /** What is held, in no particular order. Take it at once: what happens during the iteration may show or not. */
  *entries(): IterableIterator<InformerEntry<T>> {
    for (const entry of this.#cache.values()) if (entry.isValid) yield entry;
  }

  /** The keys that exist and could not be decoded. */
  *invalid(): IterableIterator<InvalidEntry> {
    for (const entry of this.#cache.values()) if (!entry.isValid) yield entry;
  }

  /** Begins with what is held now. Any number may listen; each gets everything. */
  events(): InformerEvents<T> {
    const listener = new InformerEvents<T>(
      { pendingMax: this.options.pendingMax ?? PENDING_MAX },
      { ended: (events) => void this.#listeners.delete(events) },
    );
    for (const entry of this.#cache.values()) {
      listener.push({ key: entry.key, before: undefined, after: entry, revision: entry.modRevision });
    }
    if (this.isEnded) listener.finish(this.#failure);
    else this.#listeners.add(listener);
    return listener;
  }

  /**
   * Until the cache shows everything up to `revision`, such as that of a write just made, of whatever key. Takes about as long
   * as an event does. Without a limit of time unless `signal` sets one, also for a revision that does not exist yet.
   *
   * @throws The signal's reason, or what ended the informer.
   */
  waitFor(revision: number, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    if (revision <= this.#revision) return Promise.resolve();
    if (this.isEnded) return Promise.reject(this.#failure ?? closedError());
    const waiting = this.#waiters.wait(revision, options.signal);
    if (this.#asking === undefined) this.#askProgress();
    return waiting;
  }

  /** Ends it and all loops over its events. What is cached stays readable. Idempotent. */
  close(): Promise<void> {
    this.#finish(undefined);
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  readonly #abort = (): void => void this.close();

  get #keysMax(): number {
    return this.options.keysMax ?? KEYS_MAX;
  }

  async #list(): Promise<void> {
    const { pageKeys = PAGE_KEYS } = this.options;
    const { clock } = this.dependencies;
    const { signal } = this.#closing;
    try {
      await listPatiently((keys) => this.#listOnce(keys), { pageKeys, clock, signal });
    } catch (error) {
      this.#finish(error as Error);
    }
  }

  async #listOnce(pageKeys: number): Promise<void> {
    const { signal } = this.#closing;
    const keysMax = this.#keysMax;
    const listed = new Map<string, AnyEntry<T>>();
    let revision = 0;
    for await (const page of listInPages(this.watched, { pageKeys, signal }, this.dependencies.range)) {
      ({ revision } = page);
      this.#cache.collect(page.keyValues, listed);
      if (listed.size > keysMax) throw new InformerFullError(keysMax);
    }
    if (this.isEnded) return;
    this.#tell(this.#cache.replace(listed, revision));
    this.#watch((revision + 1) as Revision);
    this.#reached(revision);
    this.#synced.resolve();
  }

  #watch(next: Revision): void {
    const { start: key, end: rangeEnd } = this.watched;
    const spec = { range: { key, rangeEnd }, prevKv: false, noPut: false, noDelete: false };
    this.#watcher = this.#connection.create(spec, next);
  }

  #receive(items: readonly WatchItem[], sequence: number): void {
    for (const item of items) this.#take(item);
    this.#connection.consumed(sequence);
  }

  /** In one go: nobody sees a part of it. */
  #take(item: WatchItem): void {
    switch (item.kind) {
      case "created":
        return;
      case "events":
        this.#tell(item.events.map((bytes) => this.#apply(bytes)));
        if (this.size > this.#keysMax) return this.#finish(new InformerFullError(this.#keysMax));
        return this.#reached(item.next - 1);
      case "progress":
        if (item.watchers.some((watcher) => watcher === this.#watcher)) this.#reached(item.revision);
        return;
      case "compacted":
        this.#watcher = undefined;
        return void this.#list();
      default:
        return assertNever(item);
    }
  }

  #apply(bytes: Uint8Array): Change<T> {
    const { type, keyValue, revision } = watchEvent(bytes);
    return type === "put" ? this.#cache.put(keyValue) : this.#cache.delete(keyValue.key, revision);
  }

  #tell(changes: readonly Change<T>[]): void {
    for (const listener of [...this.#listeners]) for (const change of changes) listener.push(change);
  }

  #reached(revision: number): void {
    if (revision <= this.#revision) return;
    this.#revision = revision;
    this.#waiters.reached(revision);
  }

  /** Again and again while somebody waits: the source may not be there, or not that far, and then does not answer. */
  #askProgress(): void {
    this.#asking = undefined;
    if (this.#waiters.size === 0 || this.isEnded) return;
    const isUnderWay = this.#connection.hasUnsentCommands;
    if (this.#watcher !== undefined && !isUnderWay) this.#connection.progress([this.#watcher]);
    this.#asking = this.dependencies.clock.setTimer(PROGRESS_MS, () => this.#askProgress());
  }

  /** @param failure Why, unless it was asked for. */
  #finish(failure: Error | undefined): void {
    if (this.isEnded) return;
    this.#failure = failure;
    const reason = failure ?? closedError();
    this.#closing.abort(reason);
    this.#connection.close();
    this.#asking?.cancel();
    this.options.signal?.removeEventListener("abort", this.#abort);
    this.#synced.reject(reason);
    this.#waiters.reject(reason);
    for (const listener of [...this.#listeners]) listener.finish(failure);
    this.dependencies.ended(this);
  }
}

function closedError(): QuorateError {
  return new QuorateError("CANCELLED", "the informer was closed", "definite");
}
