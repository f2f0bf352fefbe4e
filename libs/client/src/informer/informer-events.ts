import { binaryString, Deque } from "@quorate/base";
import { eventsOf, type Change, type InformerEvent } from "./informer-event";

export interface InformerEventsOptions {
  /** Changes that may wait one by one; beyond, changes of one key are joined. */
  readonly pendingMax: number;
}

/**
 * What one listener is told: `for await (const event of informer.events())`.
 *
 * A listener never holds up the cache, nor another listener. The first `pendingMax` changes that it has not taken wait one by
 * one; beyond that, changes of one key become one, from what it was last told to what is now, so that no more waits than there
 * are keys.
 */
export class InformerEvents<T>
  implements AsyncIterable<InformerEvent<T>>, AsyncIterator<InformerEvent<T>, undefined>, AsyncDisposable
{
  readonly #changes = new Deque<Change<T>>();
  readonly #joined = new Map<string, Change<T>>();
  /** Of the change that is being told. */
  readonly #events = new Deque<InformerEvent<T>>();
  #waiting: PromiseWithResolvers<IteratorResult<InformerEvent<T>, undefined>> | undefined;
  #end: { readonly error: Error | undefined } | undefined;

  constructor(
    private readonly options: InformerEventsOptions,
    private readonly dependencies: { readonly ended: (events: InformerEvents<T>) => void },
  ) {}

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** One at a time: await it before the next. @throws What ended the informer, once. */
  next(): Promise<IteratorResult<InformerEvent<T>, undefined>> {
    const event = this.#take();
    if (event !== undefined) return Promise.resolve({ done: false, value: event });
    if (this.#end !== undefined) return this.#ending(this.#end.error);
    this.#waiting ??= Promise.withResolvers();
    return this.#waiting.promise;
  }

  /** What a loop calls when it is left. */
  return(): Promise<IteratorResult<InformerEvent<T>, undefined>> {
    this.#changes.drain();
    this.#joined.clear();
    this.#events.drain();
    this.finish(undefined);
    return Promise.resolve({ done: true, value: undefined });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** Called by the informer alone, in order. */
  push(change: Change<T>): void {
    if (this.#end !== undefined) return;
    const isBehind = this.#joined.size > 0 || this.#changes.size >= this.options.pendingMax;
    if (isBehind) this.#join(change);
    else this.#changes.push(change);
    if (this.#waiting === undefined) return;
    const event = this.#take();
    if (event !== undefined) this.#wake({ done: false, value: event });
  }

  /** Called by the informer when nothing more will come. Idempotent. */
  finish(error: Error | undefined): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    this.dependencies.ended(this);
    if (this.#waiting === undefined) return;
    if (error === undefined) return this.#wake({ done: true, value: undefined });
    this.#waiting.reject(error);
    this.#waiting = undefined;
    this.#end = { error: undefined };
  }

  #join(change: Change<T>): void {
    const id = binaryString(change.key);
    const before = (this.#joined.get(id) ?? change).before;
    // Came and went before the listener heard of it: two changes that are none.
    if (before === undefined && change.after === undefined) this.#joined.delete(id);
    else this.#joined.set(id, { ...change, before });
  }

  #take(): InformerEvent<T> | undefined {
    while (this.#events.size === 0) {
      const change = this.#changes.shift() ?? this.#firstJoined();
      if (change === undefined) return undefined;
      for (const event of eventsOf(change)) this.#events.push(event);
    }
    return this.#events.shift();
  }

  #firstJoined(): Change<T> | undefined {
    for (const [id, change] of this.#joined) {
      this.#joined.delete(id);
      return change;
    }
    return undefined;
  }

  /** An error is thrown once; after that it is simply over. */
  #ending(error: Error | undefined): Promise<IteratorResult<InformerEvent<T>, undefined>> {
    this.#end = { error: undefined };
    return error === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(error);
  }

  #wake(result: IteratorResult<InformerEvent<T>, undefined>): void {
    this.#waiting?.resolve(result);
    this.#waiting = undefined;
  }
}
