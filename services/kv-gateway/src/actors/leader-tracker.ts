import { EMPTY_BYTES, type Clock, type Timer } from "@quorate/base";
import type { Subscription, Transport } from "@quorate/transport";
import { decodeLeaderNotice, type Subjects } from "@quorate/wire";
import type { Instant } from "./instant";
import { LeaderView, type LeaderAt, type LeaderBelief, type MemberId } from "./leader-view";

export interface LeaderTrackerOptions {
  /** How often the nodes are asked while no leader is known, in milliseconds. */
  readonly askIntervalMs: number;
}

export interface LeaderTrackerDependencies {
  readonly transport: Transport;
  readonly subjects: Subjects;
  readonly clock: Clock;
  /** A notice that cannot be read; it is ignored. */
  readonly onMalformed?: (error: unknown) => void;
}

export interface KnownLeader extends LeaderAt {
  /** When this gateway heard of it first. */
  readonly since: Instant;
}

/**
 * Knows which node leads, from what the nodes say on `q.<cluster>.leader`: they speak there when their view changes, and
 * when somebody asks by publishing nothing at all.
 */
export class LeaderTracker {
  readonly #view = new LeaderView();
  readonly #listeners = new Set<() => void>();
  readonly #subscription: Subscription;
  readonly #statusSubscription: Subscription;
  #leader: KnownLeader | undefined;
  #newest: KnownLeader | undefined;
  #asking: Timer | undefined;
  #closed = false;

  constructor(
    private readonly options: LeaderTrackerOptions,
    private readonly dependencies: LeaderTrackerDependencies,
  ) {
    const { transport, subjects } = dependencies;
    this.#subscription = transport.subscribe(subjects.leader, ({ payload }) => this.#hear(payload));
    // News may have been missed while the connection was down.
    this.#statusSubscription = transport.onStatus((status) => {
      if (status === "connected") this.#ask();
    });
    this.#ask();
  }

  /** Undefined while none is known. */
  get leader(): KnownLeader | undefined {
    return this.#leader;
  }

  /** The last leader known, even if it is not any more. */
  get newest(): KnownLeader | undefined {
    return this.#newest;
  }

  /** Everyone who was heard, in the order of first being heard. */
  get members(): Iterable<MemberId> {
    return this.#view.members;
  }

  /** Called after each change of the leader or its term. */
  onChange(listener: () => void): Subscription {
    this.#listeners.add(listener);
    return { unsubscribe: () => void this.#listeners.delete(listener) };
  }

  /** Takes in what a node said elsewhere, as in a refusal. */
  learn(belief: LeaderBelief): void {
    if (this.#view.learn(belief)) this.#changed();
  }

  /** Nobody answers under the leader's subject: distrust it until a node names it anew, and ask the nodes to do so. */
  doubt(suspect: LeaderAt): void {
    if (this.#view.doubt(suspect)) this.#changed();
  }

  close(): void {
    this.#closed = true;
    this.#asking?.cancel();
    this.#subscription.unsubscribe();
    this.#statusSubscription.unsubscribe();
    this.#listeners.clear();
  }

  #hear(payload: Uint8Array): void {
    if (payload.length === 0) return; // somebody asks
    let notice: LeaderBelief;
    try {
      notice = decodeLeaderNotice(payload);
    } catch (error) {
      this.dependencies.onMalformed?.(error);
      return;
    }
    this.learn(notice);
  }

  #changed(): void {
    this.#leader = this.#dated(this.#view.leader);
    if (this.#leader === undefined) this.#ask();
    else this.#newest = this.#leader;
    for (const listener of [...this.#listeners]) listener();
  }

  #dated(leader: LeaderAt | undefined): KnownLeader | undefined {
    const { clock } = this.dependencies;
    const newest = this.#newest;
    if (leader === undefined) return undefined;
    // One that was doubted and came back was not elected again.
    const isBack = newest?.member === leader.member && newest.term === leader.term;
    return isBack ? newest : { ...leader, since: clock.now() };
  }

  #ask(): void {
    if (this.#closed) return;
    const { transport, subjects } = this.dependencies;
    transport.publish(subjects.leader, EMPTY_BYTES);
    if (this.#leader !== undefined) return;
    this.#asking?.cancel();
    this.#asking = this.dependencies.clock.setTimer(this.options.askIntervalMs, () => {
      if (this.#leader === undefined) this.#ask();
    });
  }
}
