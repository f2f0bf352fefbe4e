/** Sequence numbers remembered per sender. A message overtaken by more than that is taken for a repetition. */
const SEQUENCES_MAX = 8192;
/** Senders remembered; the one that was silent longest is forgotten first. */
const SENDERS_MAX = 1024;

interface Window {
  /** Everything below counts as seen. */
  floor: number;
  readonly seen: Set<number>;
}

/**
 * Drops what a broker delivers twice, however late: a repeated proposal would put an old value back over a newer one.
 * Refused requests count as delivered too, because their sender has sent them anew under another number. A restart
 * forgets all: a member that restarts leads only in a later term, which earlier requests do not expect, and it does not refuse
 * those for good, because it may have taken them before.
 */
export class DeliveryWindow {
  readonly #senders = new Map<bigint, Window>();

  /** @returns false if this sender's message with this number was delivered before. */
  first(sender: bigint, sequence: number): boolean {
    const window = this.#window(sender);
    if (sequence < window.floor || window.seen.has(sequence)) return false;
    window.seen.add(sequence);
    if (window.seen.size > SEQUENCES_MAX) this.#raiseFloor(window);
    return true;
  }

  #window(sender: bigint): Window {
    const known = this.#senders.get(sender);
    if (known !== undefined) {
      if (this.#senders.size > 1) {
        this.#senders.delete(sender); // moves it to the young end of the map's order
        this.#senders.set(sender, known);
      }
      return known;
    }
    if (this.#senders.size === SENDERS_MAX) {
      const [eldest] = this.#senders.keys();
      this.#senders.delete(eldest!);
    }
    const window: Window = { floor: 0, seen: new Set() };
    this.#senders.set(sender, window);
    return window;
  }

  /** Forgets the older half at once, so that the cost is spread. */
  #raiseFloor(window: Window): void {
    const kept = [...window.seen].sort((a, b) => a - b).slice(SEQUENCES_MAX / 2);
    window.floor = kept[0]!;
    window.seen.clear();
    for (const sequence of kept) window.seen.add(sequence);
  }
}
