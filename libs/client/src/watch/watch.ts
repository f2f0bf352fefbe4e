import { Deque, EMPTY_BYTES } from "@quorate/base";
import type { Revision } from "@quorate/mvcc";
import type { WatchItem } from "@quorate/watch";
import { decodeMessage, mvccpb } from "@quorate/wire";
import type { KeyRange } from "../key-range";
import type { KeyValue } from "../key-value";
import { keyValueOf } from "../results";
import { newWatchConnection, type WatchPorts } from "./new-watch-connection";
import type { WatchConnection } from "./watch-connection";

export interface WatchOptions {
  /** The first revision of interest, such as that of a `range` plus one; without it, whatever comes from now on. */
  readonly fromRevision?: number;
  /** Tell with each event what the key held before. */
  readonly previous?: boolean;
  /** Leave out puts, or deletes. */
  readonly without?: "puts" | "deletes";
  /** Ends the watch: the loop over it ends, without an error. */
  readonly signal?: AbortSignal;
}

/** A change of one key. Changes of one transaction follow each other and have one revision. */
export interface WatchEvent {
  readonly type: "put" | "delete";
  readonly revision: number;
  /** As it is now; of a deleted key only `key` and `modRevision` mean something. */
  readonly keyValue: KeyValue;
  /** Whether the key did not exist before. */
  readonly isNew: boolean;
  /** What it was; only if asked for, if there was something, and if compaction has not taken it. */
  readonly previous: KeyValue | undefined;
}

/** What happened from the revision asked for on is not known any more. Read the keys anew, and watch from there. */
export class WatchCompactedError extends Error {
  override readonly name = "WatchCompactedError";
  readonly code = "compacted";

  constructor(readonly compactRevision: number) {
    super(`Cannot watch: the history before revision ${compactRevision} has been compacted`);
  }
}

export interface WatchDependencies extends WatchPorts {
  /** Called once, when nothing more will come; perhaps before the watch is made. */
  readonly ended: (watch: AsyncDisposable) => void;
}

interface Delivery {
  readonly sequence: number;
  readonly events: readonly Uint8Array[];
  next: number;
}

/**
 * The changes of a range of keys: `for await (const event of watch)`, once. Every change is told, once and in order, over the
 * loss of connections and processes behind it; while the loop is busy, events wait (1 MiB of them here, the rest in the store).
 */
export class Watch
  implements AsyncIterable<WatchEvent>, AsyncIterator<WatchEvent, undefined>, AsyncDisposable
{
  /** The revision before the first that is told of: resolves once the watch is in place. Never, if it ends before. */
  readonly started: Promise<number>;
  readonly #connection: WatchConnection;
  readonly #deliveries = new Deque<Delivery>();
  readonly #started = Promise.withResolvers<number>();
  #waiting: PromiseWithResolvers<IteratorResult<WatchEvent, undefined>> | undefined;
  #end: { readonly error: Error | undefined } | undefined;

  constructor(
    range: KeyRange,
    private readonly options: WatchOptions,
    private readonly dependencies: WatchDependencies,
  ) {
    this.started = this.#started.promise;
    this.#connection = newWatchConnection(dependencies, (items, sequence) => this.#receive(items, sequence));
    this.#connection.create(
      {
        range: { key: range.start, rangeEnd: range.end },
        prevKv: options.previous ?? false,
        noPut: options.without === "puts",
        noDelete: options.without === "deletes",
      },
      (options.fromRevision ?? 0) as Revision,
    );
    options.signal?.addEventListener("abort", this.#abort, { once: true });
    if (options.signal?.aborted === true) this.#abort();
  }

  /** Nothing more will come than what waits. */
  get isEnded(): boolean {
    return this.#end !== undefined;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** One at a time: await it before the next. @throws {WatchCompactedError} */
  next(): Promise<IteratorResult<WatchEvent, undefined>> {
    const event = this.#take();
    if (event !== undefined) return Promise.resolve({ done: false, value: event });
    if (this.#end !== undefined) return this.#ending(this.#end.error);
    this.#waiting ??= Promise.withResolvers();
    return this.#waiting.promise;
  }

  /** What a loop calls when it is left. */
  return(): Promise<IteratorResult<WatchEvent, undefined>> {
    this.#finish(undefined);
    this.#deliveries.drain();
    return Promise.resolve({ done: true, value: undefined });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  readonly #abort = (): void => void this.return();

  #receive(items: readonly WatchItem[], sequence: number): void {
    const events: Uint8Array[] = [];
    let compacted: number | undefined;
    for (const item of items) {
      if (item.kind === "created") this.#started.resolve(item.next - 1);
      else if (item.kind === "events") events.push(...item.events);
      else if (item.kind === "compacted") compacted = item.compactRevision;
    }
    this.#deliveries.push({ sequence, events, next: 0 });
    const event = this.#waiting === undefined ? undefined : this.#take();
    if (event !== undefined) this.#wake({ done: false, value: event });
    this.#skipEmpty();
    if (compacted !== undefined) this.#finish(new WatchCompactedError(compacted));
  }

  /** The next event that waits; tells the source when all of a delivery were taken. */
  #take(): WatchEvent | undefined {
    this.#skipEmpty();
    const delivery = this.#deliveries.peek();
    if (delivery === undefined) return undefined;
    const event = watchEvent(delivery.events[delivery.next]!);
    delivery.next += 1;
    return event;
  }

  #skipEmpty(): void {
    for (let first = this.#deliveries.peek(); first !== undefined; first = this.#deliveries.peek()) {
      if (first.next < first.events.length) return;
      this.#connection.consumed(first.sequence);
      this.#deliveries.shift();
    }
  }

  #finish(error: Error | undefined): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    this.#connection.close();
    this.dependencies.ended(this);
    this.options.signal?.removeEventListener("abort", this.#abort);
    if (this.#waiting === undefined) return;
    if (error === undefined) this.#wake({ done: true, value: undefined });
    else {
      this.#waiting.reject(error);
      this.#waiting = undefined;
      this.#end = { error: undefined };
    }
  }

  /** An error is thrown once; after that the watch is simply over. */
  #ending(error: Error | undefined): Promise<IteratorResult<WatchEvent, undefined>> {
    this.#end = { error: undefined };
    return error === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(error);
  }

  #wake(result: IteratorResult<WatchEvent, undefined>): void {
    this.#waiting?.resolve(result);
    this.#waiting = undefined;
  }
}

export function watchEvent(bytes: Uint8Array): WatchEvent {
  const { type, kv, prevKv } = decodeMessage("Event", mvccpb.Event, bytes);
  const keyValue = keyValueOf(kv ?? { key: EMPTY_BYTES });
  return {
    type: type === mvccpb.Event.EventType.DELETE ? "delete" : "put",
    revision: keyValue.modRevision,
    keyValue,
    isNew: keyValue.createRevision === keyValue.modRevision,
    previous: prevKv == null ? undefined : keyValueOf(prevKv),
  };
}
