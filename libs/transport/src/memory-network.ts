import {
  EMPTY_BYTES,
  invariant,
  randomChance,
  randomInteger,
  type Clock,
  type Prng,
  type Scheduler,
} from "@quorate/base";
import { Lane } from "./lane";
import { LentBuffer } from "./lent-buffer";
import { MemoryLink, type Envelope, type MemoryBroker } from "./memory-link";
import { FaultPlan, type NetworkFaults } from "./network-faults";
import type { ProcessExchange } from "./process-exchange";
import { SubscriptionTable, type TableEntry } from "./subscription-table";
import type { Transport } from "./transport";
import { DEFAULT_FRAGMENT_BYTES, TransportCore, type TransportCoreOptions } from "./transport-core";

export interface MemoryNetworkOptions extends TransportCoreOptions {
  /** In force from the start and after `heal`. Default: none, messages arrive in a turn of their own without delay. */
  readonly faults?: Partial<NetworkFaults>;
  /** How many of the messages sent are kept for {@link MemoryNetwork.replay}. Default 0. */
  readonly sentKept?: number;
}

export interface MemoryNetworkDependencies {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly prng: Prng;
}

/**
 * A broker and the network around it in memory. The same seed, clock and calls give the same deliveries in the same order.
 * It can do to messages what a real one does: delay, lose, double, reorder, partition one way, and drop connections.
 */
export class MemoryNetwork {
  /** May be changed at any time; what is under way keeps its delay but is lost at a cut. */
  readonly faults: FaultPlan;
  readonly #clients = new Map<MemoryLink, TransportCore>();
  readonly #lanes = new Map<MemoryLink, Map<MemoryLink, Lane>>();
  readonly #subscriptions = new SubscriptionTable<MemoryLink>();
  readonly #lent = new LentBuffer();
  readonly #broker: MemoryBroker;
  /** Spread over all of time: when it is full, every second one goes, and only every second one is taken from then on. */
  #sent: Sent[] = [];
  #sentStride = 1;
  #sentCount = 0;
  #connects = 0;

  constructor(
    private readonly options: MemoryNetworkOptions,
    private readonly dependencies: MemoryNetworkDependencies,
  ) {
    this.faults = new FaultPlan(options.faults);
    this.#broker = {
      clock: dependencies.clock,
      scheduler: dependencies.scheduler,
      subscriptions: this.#subscriptions,
      route: (from, envelope) => this.#route(from, envelope),
      forget: (link) => this.#forget(link),
      outlives: () => happens(dependencies.prng, this.faults.everywhere.outliveChance),
    };
  }

  /**
   * @param name Of the process or host; several connections may share one and then suffer the same faults.
   * @param exchange Of that process, if its connections meet in one.
   */
  connect(name: string, exchange?: ProcessExchange): Transport {
    const link = new MemoryLink({ name, number: this.#connects }, this.#broker);
    this.#connects += 1;
    const joined = exchange?.join(link) ?? link;
    const client = new TransportCore(this.options, { ...this.dependencies, link: joined });
    this.#clients.set(link, client);
    return client;
  }

  /** Breaks the connections of `name` to the broker. What travels to or from it is lost. */
  disconnect(name: string): void {
    for (const link of this.#named(name)) link.disconnect();
  }

  /** Connects `name` again, with its subscriptions. */
  reconnect(name: string): void {
    for (const link of this.#named(name)) link.reconnect();
  }

  /** Ends the connections of `name` as the death of its process would, without any further callback to their owners. */
  crash(name: string): void {
    for (const link of this.#named(name)) {
      this.#clients.get(link)?.abandon();
      link.crash();
    }
  }

  /**
   * Sends old messages once more, as from a buffer that was forgotten somewhere, to whoever subscribes to them now.
   *
   * @param from Of which age: 0 is the oldest that was kept, 1 the newest.
   * @returns how many.
   */
  replay(from: number, count: number): number {
    const first = Math.floor(from * this.#sent.length);
    const stale = this.#sent.slice(first, first + count);
    for (const { from: sender, envelope } of stale) {
      for (const to of this.#subscriptions.receivers(envelope.subject, this.dependencies.prng)) {
        if (this.faults.isCut(sender.name, to.client.name)) continue;
        const deliver = this.#delivery(sender, to, envelope, { outlives: true });
        this.#lane(sender, to.client).send(0, deliver);
      }
    }
    return stale.length;
  }

  /** Ends all faults and cuts and connects everyone again. */
  heal(): void {
    this.faults.clear();
    for (const link of [...this.#clients.keys()]) link.reconnect();
  }

  #named(name: string): MemoryLink[] {
    return [...this.#clients.keys()].filter((link) => link.name === name);
  }

  #forget(link: MemoryLink): void {
    this.#clients.delete(link);
    this.#lanes.delete(link);
    for (const lanes of this.#lanes.values()) lanes.delete(link);
  }

  #route(from: MemoryLink, envelope: Envelope): void {
    const limit = this.options.fragmentBytes ?? DEFAULT_FRAGMENT_BYTES;
    invariant(envelope.payload.length <= limit, "no single message is above the fragment size", { limit });
    let known = 0;
    for (const receiver of this.#subscriptions.receivers(envelope.subject, this.dependencies.prng)) {
      if (this.#isUnknownTo(from, receiver)) continue;
      known += 1;
      this.#transmit(from, receiver, envelope);
    }
    // What nobody wanted is gone: its sender is told so, and may rely on it.
    if (known > 0) this.#keep(from, envelope);
    else if (envelope.reply !== undefined) this.#reportNobody(from, envelope.reply);
  }

  /** Whether the interest of `to` has not come to where `from` sends yet. */
  #isUnknownTo(from: MemoryLink, to: TableEntry<MemoryLink>): boolean {
    const { interestLagMs } = this.faults.faultsOf(from.name, to.client.name);
    if (interestLagMs === 0 || from.name === to.client.name) return false;
    return this.dependencies.clock.now() < to.client.subscribedAt(to) + interestLagMs;
  }

  #keep(from: MemoryLink, envelope: Envelope): void {
    const { sentKept = 0 } = this.options;
    this.#sentCount += 1;
    if (sentKept === 0 || this.#sentCount % this.#sentStride !== 0) return;
    this.#sent.push({ from, envelope });
    if (this.#sent.length < sentKept) return;
    this.#sent = this.#sent.filter((_, at) => at % 2 === 0);
    this.#sentStride *= 2;
  }

  #transmit(from: MemoryLink, to: TableEntry<MemoryLink>, envelope: Envelope): void {
    const { prng, clock } = this.dependencies;
    const { delayMs, lossChance, duplicateChance, reorderChance, reorderMs } = this.faults.faultsOf(
      from.name,
      to.client.name,
    );
    if (this.faults.isCut(from.name, to.client.name) || happens(prng, lossChance)) return;
    const copies = happens(prng, duplicateChance) ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      const now = clock.now();
      const clogMs = Math.max(0, this.faults.clogUntil(from.name, to.client.name) - now);
      const delay = clogMs + drawn(prng, delayMs.min, delayMs.max);
      const deliver = this.#delivery(from, to, envelope, { reachesAt: now + delay / 2 });
      if (happens(prng, reorderChance)) clock.setTimer(delay + drawn(prng, 0, reorderMs), deliver);
      else this.#lane(from, to.client).send(delay, deliver);
    }
  }

  /** Comes from the broker itself: no fault between clients touches it. */
  #reportNobody(from: MemoryLink, reply: string): void {
    const envelope: Envelope = { subject: reply, payload: EMPTY_BYTES, reply: undefined, headers: undefined };
    for (const to of this.#subscriptions.receivers(reply, this.dependencies.prng)) {
      if (to.client === from)
        this.#lane(from, from).send(0, this.#delivery(from, to, envelope, { noResponders: true }));
    }
  }

  #delivery(
    from: MemoryLink,
    to: TableEntry<MemoryLink>,
    envelope: Envelope,
    how: { readonly reachesAt?: number; readonly noResponders?: boolean; readonly outlives?: boolean },
  ): () => void {
    const { reachesAt = Infinity, noResponders = false, outlives = false } = how;
    const sentOn = from.connection;
    const receivedOn = to.client.connection;
    return () => {
      if (!outlives && from.hasLost(sentOn, reachesAt)) return;
      if (to.client.connection !== receivedOn) return;
      if (!this.#subscriptions.has(to) || this.faults.isCut(from.name, to.client.name)) return;
      const { subject, reply, headers } = envelope;
      this.#lent.lend(envelope.payload, (payload) =>
        to.receive({ subject, payload, reply, headers, noResponders }),
      );
    };
  }

  #lane(from: MemoryLink, to: MemoryLink): Lane {
    let lanes = this.#lanes.get(from);
    if (lanes === undefined) this.#lanes.set(from, (lanes = new Map<MemoryLink, Lane>()));
    let lane = lanes.get(to);
    if (lane === undefined) lanes.set(to, (lane = new Lane(this.dependencies)));
    return lane;
  }
}

interface Sent {
  readonly from: MemoryLink;
  readonly envelope: Envelope;
}

/** Draws only where there is something to decide, so that a fault that is off does not shift the others. */
function happens(prng: Prng, chance: number): boolean {
  return chance > 0 && randomChance(prng, chance);
}

/** Milliseconds with a resolution of a microsecond, so that arrivals of different lanes rarely tie. */
function drawn(prng: Prng, minMs: number, maxMs: number): number {
  return maxMs > minMs ? minMs + randomInteger(prng, 0, Math.round((maxMs - minMs) * 1000)) / 1000 : minMs;
}
