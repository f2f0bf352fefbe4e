import { invariant } from "@quorate/base";

/** What the network does to messages from one client to another. Chances are 0 to 1, per message and receiver. */
export interface NetworkFaults {
  /** Milliseconds on the way, drawn evenly from the range. Messages keep their order unless reordered. */
  readonly delayMs: { readonly min: number; readonly max: number };
  readonly lossChance: number;
  readonly duplicateChance: number;
  /** A reordered message leaves the queue of its sender and receiver and arrives up to `reorderMs` later. */
  readonly reorderChance: number;
  readonly reorderMs: number;
  /**
   * Milliseconds that a subscription takes to become known where messages are sent, as between two brokers: what is sent
   * before goes past it. Counts again from each reconnection.
   */
  readonly interestLagMs: number;
  /**
   * Chance, per end of a connection, that what had reached the broker by then arrives all the same. Half of its delay is the
   * way to the broker.
   */
  readonly outliveChance: number;
}

export const NO_FAULTS: NetworkFaults = {
  delayMs: { min: 0, max: 0 },
  lossChance: 0,
  duplicateChance: 0,
  reorderChance: 0,
  reorderMs: 20,
  interestLagMs: 0,
  outliveChance: 0,
};

/** Which faults hold between whom. Clients are known by name; several connections may share one, such as those of a node. */
export class FaultPlan {
  readonly #initial: NetworkFaults;
  #everywhere: NetworkFaults;
  readonly #between = new Map<string, Partial<NetworkFaults>>();
  readonly #cuts = new Set<string>();
  readonly #clogs = new Map<string, number>();

  constructor(initial: Partial<NetworkFaults> = {}) {
    this.#initial = checked({ ...NO_FAULTS, ...initial });
    this.#everywhere = this.#initial;
  }

  /** Changes what holds where nothing else is set. */
  setEverywhere(faults: Partial<NetworkFaults>): void {
    this.#everywhere = checked({ ...this.#everywhere, ...faults });
  }

  /** Changes one direction; what is left out follows `setEverywhere`. */
  setOneWay(from: string, to: string, faults: Partial<NetworkFaults>): void {
    checked({ ...NO_FAULTS, ...faults });
    this.#between.set(direction(from, to), { ...this.#between.get(direction(from, to)), ...faults });
  }

  setBetween(a: string, b: string, faults: Partial<NetworkFaults>): void {
    this.setOneWay(a, b, faults);
    this.setOneWay(b, a, faults);
  }

  /** What holds where nothing else is set. */
  get everywhere(): NetworkFaults {
    return this.#everywhere;
  }

  /** What is sent in this direction before `untilMs` arrives then, in order, as through a connection that is stuck. */
  clogOneWay(from: string, to: string, untilMs: number): void {
    this.#clogs.set(direction(from, to), Math.max(untilMs, this.clogUntil(from, to)));
  }

  /** In milliseconds on the network's clock; 0: never clogged. */
  clogUntil(from: string, to: string): number {
    return this.#clogs.size === 0 ? 0 : (this.#clogs.get(direction(from, to)) ?? 0);
  }

  /** Loses everything in this direction, also what is under way. */
  cutOneWay(from: string, to: string): void {
    this.#cuts.add(direction(from, to));
  }

  cut(a: string, b: string): void {
    this.cutOneWay(a, b);
    this.cutOneWay(b, a);
  }

  mendOneWay(from: string, to: string): void {
    this.#cuts.delete(direction(from, to));
  }

  mend(a: string, b: string): void {
    this.mendOneWay(a, b);
    this.mendOneWay(b, a);
  }

  /** Back to the initial faults, without cuts and clogs. What a clog holds up keeps its delay. */
  clear(): void {
    this.#everywhere = this.#initial;
    this.#between.clear();
    this.#cuts.clear();
    this.#clogs.clear();
  }

  isCut(from: string, to: string): boolean {
    return this.#cuts.size > 0 && this.#cuts.has(direction(from, to));
  }

  faultsOf(from: string, to: string): NetworkFaults {
    const own = this.#between.size > 0 ? this.#between.get(direction(from, to)) : undefined;
    return own === undefined ? this.#everywhere : { ...this.#everywhere, ...own };
  }
}

function checked(faults: NetworkFaults): NetworkFaults {
  const { delayMs } = faults;
  invariant(delayMs.min >= 0 && delayMs.max >= delayMs.min, "a delay is a range of times to come", {
    delayMs,
  });
  return faults;
}

function direction(from: string, to: string): string {
  return `${from}\u0000${to}`;
}
