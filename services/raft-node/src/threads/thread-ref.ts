import { Worker } from "node:worker_threads";
import type { ActorRef } from "@quorate/actor";
import type { Posted } from "./posted";

export interface ThreadOptions {
  readonly name: string;
  /** Path of the compiled entry file. */
  readonly entry: string;
  /** Handed to the thread as `workerData`: plain values only. */
  readonly data: unknown;
}

/** The reports that every thread of a node has in common. */
type LifecycleReport<Started> =
  | ({ readonly kind: "started" } & Started)
  | { readonly kind: "start-failed"; readonly code: string; readonly message: string }
  | { readonly kind: "closed" };

/** A thread could not open what it owns; `code` is the one of the storage error. */
export class ThreadStartError extends Error {
  override readonly name = "ThreadStartError";

  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

export interface ThreadHandlers<Message, Report> {
  readonly pack: (message: Message) => Posted<unknown>;
  readonly report: (report: Report) => void;
  /** The thread died: nothing that it was told can be counted on. */
  readonly failed: (error: Error) => void;
}

/** An actor in a worker thread of its own, reached through a message port. */
export class ThreadRef<
  Message,
  Report extends { readonly kind: string },
  Started,
> implements ActorRef<Message> {
  readonly #worker: Worker;
  readonly #started: Promise<Started>;
  readonly #closed: Promise<void>;
  #closing = false;

  constructor(
    options: ThreadOptions,
    private readonly handlers: ThreadHandlers<Message, Report>,
  ) {
    this.#worker = new Worker(options.entry, { workerData: options.data, name: options.name });
    const started = Promise.withResolvers<Started>();
    const closed = Promise.withResolvers<void>();
    this.#started = started.promise;
    this.#closed = closed.promise;
    this.#worker.on("message", (posted: Report | LifecycleReport<Started>) => {
      if (posted.kind === "started") started.resolve(posted as Started);
      else if (posted.kind === "start-failed") started.reject(startError(posted));
      else if (posted.kind === "closed") closed.resolve();
      else handlers.report(posted as Report);
    });
    this.#worker.on("error", (error: Error) => {
      started.reject(error);
      if (!this.#closing) handlers.failed(error);
      closed.resolve();
    });
    this.#worker.on("exit", () => closed.resolve());
  }

  /** @throws {ThreadStartError} what the thread owns could not be opened. */
  started(): Promise<Started> {
    return this.#started;
  }

  tell(message: Message): void {
    const { value, transfer } = this.handlers.pack(message);
    this.#worker.postMessage(value, transfer as ArrayBuffer[]);
  }

  /** Lets the thread finish what it was told, close what it owns, and end. */
  async close(): Promise<void> {
    if (!this.#closing) {
      this.#closing = true;
      this.#worker.postMessage({ kind: "close" });
    }
    await this.#closed;
    await this.#worker.terminate();
  }
}

function startError(posted: unknown): ThreadStartError {
  const { code, message } = posted as { code: string; message: string };
  return new ThreadStartError(code, message);
}
