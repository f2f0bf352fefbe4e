import { Deque, invariant, type Scheduler } from "@quorate/base";
import type { Actor, ActorRef } from "./actor";

export interface MailboxOptions {
  /** For error texts. */
  readonly name: string;
  /** Messages that may wait. More is a bug of flow control and ends the process; intake must refuse before. */
  readonly capacity: number;
  /** Messages handled before others get their turn. */
  readonly turnMax: number;
}

/** Queues messages for one actor and runs it in turns of its own. */
export class Mailbox<M> implements ActorRef<M> {
  readonly #queue = new Deque<M>();
  #scheduled = false;
  #closed = false;

  constructor(
    private readonly options: MailboxOptions,
    private readonly dependencies: { readonly actor: Actor<M>; readonly scheduler: Scheduler },
  ) {}

  get size(): number {
    return this.#queue.size;
  }

  tell(message: M): void {
    if (this.#closed) return;
    invariant(this.#queue.size < this.options.capacity, "a mailbox never outgrows its capacity", {
      actor: this.options.name,
      capacity: this.options.capacity,
    });
    this.#queue.push(message);
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.dependencies.scheduler.post(this.#run);
  }

  /** Drops what waits and everything that comes later. */
  close(): void {
    this.#closed = true;
    this.#queue.drain();
  }

  readonly #run = (): void => {
    const { actor, scheduler } = this.dependencies;
    for (let handled = 0; handled < this.options.turnMax && !this.#closed; handled += 1) {
      const message = this.#queue.shift();
      if (message === undefined) break;
      actor.receive(message);
    }
    if (this.#closed) return;
    actor.turnEnded?.();
    this.#scheduled = this.#queue.size > 0;
    if (this.#scheduled) scheduler.post(this.#run);
  };
}
