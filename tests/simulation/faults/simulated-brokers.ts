import type { VirtualTime } from "@quorate/actor";
import type { MemoryNetwork } from "@quorate/transport";
import { between, type Cuts, type Direction } from "./cuts";

const BROKERS = 3;

/**
 * Three brokers around one network: each client has its connection to one of them, and brokers pass on what they got from
 * clients but not what they got from each other. So a route that is cut parts the clients of two brokers, while those of
 * the third reach everyone. Clients of a broker that dies lose what travels, and connect to another one.
 */
export class SimulatedBrokers {
  readonly #home = new Map<string, number>();
  readonly #down = new Set<number>();
  readonly #cutRoutes = new Map<number, () => void>();

  constructor(
    names: readonly string[],
    private readonly dependencies: {
      readonly time: VirtualTime;
      readonly network: MemoryNetwork;
      readonly cuts: Cuts;
    },
  ) {
    names.forEach((name, at) => this.#home.set(name, at % BROKERS));
  }

  /** @returns `undefined`: no other broker runs. */
  crash(pick: number, reconnectMs: number): (() => void) | undefined {
    const broker = pick % BROKERS;
    if (this.#down.has(broker) || this.#down.size === BROKERS - 1) return undefined;
    const { network, time } = this.dependencies;
    this.#down.add(broker);
    const lost = this.#clientsOf(broker);
    for (const [at, name] of lost.entries()) {
      network.disconnect(name);
      this.#home.set(name, this.#another(broker, at));
      // Not all at once: half of them have noticed, and found another one, before the others.
      time.setTimer((reconnectMs * (at + 1)) / lost.length, () => network.reconnect(name));
    }
    this.#cutAnew();
    return () => void this.#down.delete(broker);
  }

  /** A broker that is frozen holds up what its clients send and get, and loses nothing. */
  pause(pick: number, untilMs: number): void {
    const { network } = this.dependencies;
    const clients = this.#clientsOf(pick % BROKERS);
    for (const [from, to] of between(clients, [...this.#home.keys()]))
      network.faults.clogOneWay(from, to, untilMs);
  }

  /** Two brokers do not reach each other, until what is returned is called. */
  cutRoute(pick: number): (() => void) | undefined {
    const spared = pick % BROKERS;
    if (this.#cutRoutes.has(spared)) return undefined;
    this.#cutRoutes.set(spared, this.dependencies.cuts.cut(this.#routeBeside(spared)));
    return () => {
      this.#cutRoutes.get(spared)?.();
      this.#cutRoutes.delete(spared);
    };
  }

  /** After clients have moved, a route parts others than before. */
  #cutAnew(): void {
    for (const [spared, mend] of this.#cutRoutes) {
      mend();
      this.#cutRoutes.set(spared, this.dependencies.cuts.cut(this.#routeBeside(spared)));
    }
  }

  /** What goes over the route between the two brokers that are not `spared`. */
  #routeBeside(spared: number): Direction[] {
    const [left, right] = [1, 2].map((offset) => this.#clientsOf((spared + offset) % BROKERS));
    return between(left!, right!);
  }

  #another(broker: number, at: number): number {
    const running = Array.from({ length: BROKERS }, (_, number) => number).filter(
      (number) => number !== broker && !this.#down.has(number),
    );
    return running[at % running.length]!;
  }

  #clientsOf(broker: number): string[] {
    return [...this.#home].filter(([, home]) => home === broker).map(([name]) => name);
  }
}
