import { setTimeout as pause } from "node:timers/promises";

import { randomPick, type Prng } from "@quorate/base";

import { isOk, type Operation, type StoreRequest, type Version } from "../checkers/history";
import type { HistoryRecorder } from "../checkers/history-recorder";
import { eventually } from "../harness/eventually";
import { drawRequest, noteSeen, type Mix } from "./draw-request";
import type { StoreDoor } from "./store-door";

export interface LoadOptions {
  /** "register": one key at a time; "txn": several; "list-append": transactions on lists. */
  readonly mix: Mix;
  /** Of all keys; no other load of the store may use it. */
  readonly prefix: string;
  readonly keys: number;
  readonly clients: number;
  /** Number of the first client: no two of one history may be the same. */
  readonly firstClient: number;
  /** Milliseconds between two calls of a client; none unless told. */
  readonly everyMs?: number;
}

/** A call that failed is followed by the next one after this: a dead gateway refuses thousands a second. */
const PAUSE_AFTER_FAILURE_MS = 20;

/**
 * Clients that call a store, one call at a time each, until they are stopped, and whose calls are recorded. What a client writes
 * is unique; after a call that failed it reads first, so that it goes by what is there.
 */
export class RecordedLoad {
  readonly #keys: readonly string[];
  readonly #own: Operation[] = [];
  readonly #clients: readonly Promise<void>[];
  #stopped = false;

  private constructor(
    private readonly options: LoadOptions,
    private readonly dependencies: {
      readonly recorder: HistoryRecorder;
      readonly prng: Prng;
      /** Clients take them in turn. */
      readonly doors: readonly StoreDoor[];
    },
  ) {
    this.#keys = Array.from({ length: options.keys }, (_, at) => `${options.prefix}${at}`);
    const { clients, firstClient } = options;
    this.#clients = Array.from({ length: clients }, (_, at) => this.#run(firstClient + at, this.#doorOf(at)));
  }

  /** @throws {NotInTimeError} The store does not answer, or is not empty. */
  static async start(
    options: LoadOptions,
    dependencies: {
      readonly recorder: HistoryRecorder;
      readonly prng: Prng;
      readonly doors: readonly StoreDoor[];
    },
  ): Promise<RecordedLoad> {
    const { prefix, firstClient } = options;
    await eventually(`an empty store under ${prefix}`, { withinMs: 20_000 }, async () => {
      const done = dependencies.recorder.call(firstClient, { kind: "range", ...everythingUnder(prefix) });
      const operation = done(
        await dependencies.doors[0]!.call({ kind: "range", ...everythingUnder(prefix) }),
      );
      return (
        isOk(operation) &&
        operation.outcome.result.kind === "range" &&
        operation.outcome.result.kvs.length === 0
      );
    });
    return new RecordedLoad(options, dependencies);
  }

  get operations(): readonly Operation[] {
    return this.#own;
  }

  get answered(): number {
    return this.#own.filter(isOk).length;
  }

  /** Waits until `count` more calls than now were answered well. */
  async untilAnswered(count: number, withinMs: number): Promise<void> {
    const target = this.answered + count;
    await eventually(`${count} more answers`, { withinMs }, () => this.answered >= target);
  }

  /** Lets the calls under way end, and starts no more. */
  async abandon(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#clients);
  }

  /** The same, and reads everything once more. */
  async stop(): Promise<void> {
    await this.abandon();
    await eventually("a last read", { withinMs: 20_000 }, () =>
      this.#call(this.options.firstClient, this.#doorOf(0), {
        kind: "range",
        ...everythingUnder(this.options.prefix),
      }),
    );
  }

  #doorOf(client: number): StoreDoor {
    const { doors } = this.dependencies;
    return doors[client % doors.length]!;
  }

  async #run(client: number, door: StoreDoor): Promise<void> {
    const { prng } = this.dependencies;
    const seen = new Map<string, Version | undefined>();
    for (let count = 0; !this.#stopped; count += 1) {
      const name = `${client}:${count}`;
      const request = drawRequest(prng, this.options.mix, this.#keys, { name, seen });
      const { everyMs = 0 } = this.options;
      if (everyMs > 0) await pause(everyMs);
      if (await this.#call(client, door, request, seen)) continue;
      const read = { kind: "range", key: randomPick(prng, this.#keys) } as const;
      do await pause(PAUSE_AFTER_FAILURE_MS);
      while (!this.#stopped && !(await this.#call(client, door, read, seen)));
    }
  }

  /** @returns Whether it was answered well. */
  async #call(
    client: number,
    door: StoreDoor,
    request: StoreRequest,
    seen = new Map<string, Version | undefined>(),
  ): Promise<boolean> {
    const done = this.dependencies.recorder.call(client, request);
    const operation = done(await door.call(request));
    this.#own.push(operation);
    if (!isOk(operation)) return false;
    noteSeen(seen, request, operation.outcome.result);
    return true;
  }
}

/** Keys of a load are ASCII. */
function everythingUnder(prefix: string): { readonly key: string; readonly rangeEnd: string } {
  return { key: prefix, rangeEnd: `${prefix}~` };
}
