/** Why an answer may not grow: it never could, or others take the room and it has to yield. */
export type AnswerRefusal = "answer-too-large" | "too-many-requests";

/** One answer that is put together, or on its way. */
interface Holder {
  bytes: number;
  /** Set while it waits for room. */
  waiting:
    { readonly bytes: number; readonly settled: (refusal: AnswerRefusal | undefined) => void } | undefined;
}

/**
 * The memory for answers that come in parts. Who finds no room waits, the oldest first. If nobody is left who could make
 * room, because all hold a part and wait for more, the youngest is refused: otherwise they would wait for each other.
 */
export class AnswerBudget {
  /** In the order in which they began. */
  readonly #holders = new Set<Holder>();
  #held = 0;

  constructor(private readonly options: { readonly bytesMax: number }) {}

  get bytesMax(): number {
    return this.options.bytesMax;
  }

  /** Bytes held by all answers. */
  get held(): number {
    return this.#held;
  }

  open(): AnswerClaim {
    const holder: Holder = { bytes: 0, waiting: undefined };
    this.#holders.add(holder);
    return {
      grow: (bytes, settled) => {
        if (holder.bytes + bytes > this.options.bytesMax) return settled("answer-too-large");
        holder.waiting = { bytes, settled };
        this.#serve();
      },
      release: () => {
        if (!this.#drop(holder)) return;
        holder.waiting = undefined;
        this.#serve();
      },
    };
  }

  #serve(): void {
    for (;;) {
      const waiting = [...this.#holders].filter((holder) => holder.waiting !== undefined);
      const next = waiting[0];
      if (next?.waiting === undefined) return;
      const { bytes, settled } = next.waiting;
      if (this.#held + bytes <= this.options.bytesMax) {
        next.waiting = undefined;
        next.bytes += bytes;
        this.#held += bytes;
        settled(undefined);
        continue;
      }
      const working = [...this.#holders].some((holder) => holder.bytes > 0 && holder.waiting === undefined);
      const youngest = waiting.findLast((holder) => holder.bytes > 0);
      if (working || youngest === undefined) return;
      const yielding = youngest.waiting;
      this.#drop(youngest);
      youngest.waiting = undefined;
      yielding?.settled("too-many-requests");
    }
  }

  #drop(holder: Holder): boolean {
    if (!this.#holders.delete(holder)) return false;
    this.#held -= holder.bytes;
    return true;
  }
}

/** What one answer asks of the budget. */
export interface AnswerClaim {
  /** @param settled Called once, perhaps at once: with `undefined` when there is room, or with why there will be none. */
  grow(bytes: number, settled: (refusal: AnswerRefusal | undefined) => void): void;
  /** Gives everything back, and waits for nothing any more. Idempotent. */
  release(): void;
}
