import type { Instant } from "../actors/instant";

export interface PingGuardOptions {
  /** The least time between two pings of a client that has calls under way, in milliseconds. */
  readonly minMs: number;
  /** The same for one that has none. */
  readonly idleMinMs: number;
}

/** etcd's `--grpc-keepalive-min-time`, and what grpc-go allows a connection without calls. */
export const PING_LIMITS: PingGuardOptions = { minMs: 5000, idleMinMs: 2 * 60 * 60 * 1000 };

/** Pings that may come too early before the connection is ended. */
const STRIKES_MAX = 2;

/**
 * Counts a client's pings, as grpc-go does for etcd: who pings too often keeps the server busy for nothing, and is sent away
 * with `too_many_pings`, which its library takes as advice to ping less.
 */
export class PingGuard {
  #strikes = 0;
  #pingedAt: Instant | undefined;

  constructor(private readonly options: PingGuardOptions) {}

  /** Something was sent to the client: pings around it are part of its flow control. */
  sent(): void {
    this.#strikes = 0;
    this.#pingedAt = undefined;
  }

  /** @returns whether the connection is to be ended. */
  pinged(now: Instant, hasCalls: boolean): boolean {
    const { minMs, idleMinMs } = this.options;
    const before = this.#pingedAt;
    this.#pingedAt = now;
    if (before === undefined || now - before >= (hasCalls ? minMs : idleMinMs)) return false;
    this.#strikes += 1;
    return this.#strikes > STRIKES_MAX;
  }
}
