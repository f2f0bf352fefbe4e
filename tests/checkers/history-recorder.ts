import type { Operation, Outcome, StoreRequest } from "./history";

/**
 * Writes down what clients do, by one monotonic clock. A client has one call outstanding; after an unknown outcome it may go on,
 * as that call is over for it, though not for the store.
 */
export class HistoryRecorder {
  readonly operations: Operation[] = [];
  readonly #outstanding = new Set<number>();

  /** @param now In milliseconds; never goes back. */
  constructor(private readonly now: () => number) {}

  /**
   * Notes a call.
   *
   * @returns Notes how it ended, once.
   * @throws {TypeError} The client has not had its last answer yet, or has it twice.
   */
  call(client: number, request: StoreRequest): (outcome: Outcome) => Operation {
    if (this.#outstanding.has(client))
      throw new TypeError(`Cannot record two calls of client ${client} at a time`);
    this.#outstanding.add(client);
    const operation: Operation = {
      client,
      calledAt: this.now(),
      returnedAt: Infinity,
      request,
      outcome: { kind: "unknown", code: "no answer" },
    };
    this.operations.push(operation);
    let isOver = false;
    return (outcome) => {
      if (isOver) throw new TypeError(`Cannot record two answers to one call of client ${client}`);
      isOver = true;
      this.#outstanding.delete(client);
      operation.returnedAt = this.now();
      operation.outcome = outcome;
      return operation;
    };
  }
}
