import {
  HistorySearch,
  type SearchDepth,
  type SearchEnd,
  type SearchEntry,
  type SearchModel,
} from "./history-search";

/** The search was given up. */
export class SearchLimitError extends Error {
  override readonly name = "SearchLimitError";
}

/** The longest order that was found, of all pieces together. */
export type Furthest<Operation, State> = SearchDepth<Operation, State>;

export interface PiecewiseOptions {
  readonly operationsMax: number;
  /** See `HistorySearch`. */
  readonly onStep: (bytesKept: number) => void;
}

/** A piece is not cut off for fewer operations: each costs a search of its own. */
const OPERATIONS_MIN = 64;

/**
 * The search over a history that is cut where nothing answered was under way: there all that comes later follows all that came
 * before, whatever the order found. Pieces are searched one behind the other, back into an earlier one if a later one has no
 * order; writes of unknown outcome that were not needed go along.
 */
export class PiecewiseSearch<Operation, State> {
  readonly #pieces: readonly (readonly SearchEntry<Operation>[])[];
  readonly #stack: HistorySearch<Operation, State>[] = [];
  /** Where each piece was begun already. */
  readonly #begun: SearchEnd<Operation, State>[][];
  #furthest: Furthest<Operation, State> | undefined;

  constructor(
    entries: readonly SearchEntry<Operation>[],
    private readonly initial: State,
    private readonly model: SearchModel<Operation, State>,
    private readonly options: PiecewiseOptions,
  ) {
    this.#pieces = cut(entries);
    this.#begun = this.#pieces.map(() => []);
  }

  /**
   * @returns `undefined` if there is an order; else the longest one that was found.
   * @throws {SearchLimitError} A piece has too many operations.
   */
  run(): Furthest<Operation, State> | undefined {
    const longest = Math.max(0, ...this.#pieces.map(({ length }) => length));
    if (longest > this.options.operationsMax)
      throw new SearchLimitError(`${longest} operations without a moment at which none was under way`);
    if (this.#pieces.length === 0) return undefined;
    this.#begin(0, { state: this.initial, remaining: [] });
    for (let search = this.#stack.at(-1); search !== undefined; search = this.#stack.at(-1)) {
      const end = search.next();
      const piece = this.#stack.length - 1;
      if (end === undefined) {
        this.#noteDepth(piece, search);
        this.#stack.pop();
      } else if (piece === this.#pieces.length - 1) return undefined;
      else if (!this.#wasBegun(piece + 1, end)) this.#begin(piece + 1, end);
    }
    return this.#furthest;
  }

  #begin(piece: number, start: SearchEnd<Operation, State>): void {
    this.#begun[piece]!.push(start);
    this.#stack.push(new HistorySearch(start, this.#pieces[piece]!, this.model, this.options.onStep));
  }

  #wasBegun(piece: number, { state, remaining }: SearchEnd<Operation, State>): boolean {
    return this.#begun[piece]!.some(
      (start) =>
        start.remaining.length === remaining.length &&
        start.remaining.every((entry, at) => entry === remaining[at]) &&
        this.model.equal(start.state, state),
    );
  }

  #noteDepth(piece: number, { deepest }: HistorySearch<Operation, State>): void {
    if (deepest === undefined) return;
    const order = [...this.#stack.slice(0, piece).flatMap((search) => search.order), ...deepest.order];
    if (order.length <= (this.#furthest?.order.length ?? -1)) return;
    this.#furthest = { ...deepest, order };
  }
}

function cut<Operation>(entries: readonly SearchEntry<Operation>[]): SearchEntry<Operation>[][] {
  const pieces: SearchEntry<Operation>[][] = [];
  let piece: SearchEntry<Operation>[] = [];
  let busyUntil = -Infinity;
  for (const entry of entries.toSorted((a, b) => a.calledAt - b.calledAt)) {
    if (entry.calledAt > busyUntil && piece.length >= OPERATIONS_MIN) {
      pieces.push(piece);
      piece = [];
    }
    piece.push(entry);
    busyUntil = Math.max(busyUntil, entry.returnedAt ?? -Infinity);
  }
  if (piece.length > 0) pieces.push(piece);
  return pieces;
}
