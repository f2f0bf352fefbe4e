import type { Clock } from "@quorate/base";
import type { Subscription, Transport } from "@quorate/transport";
import type { DeliveryFailureCode } from "../api/request-failure";
import type { Instant } from "./instant";
import type { LeaderTracker } from "./leader-tracker";

export interface TimeoutCauseOptions {
  /** The nodes' minimum election timeout, in milliseconds. */
  readonly electionTimeoutMs: number;
}

export interface TimeoutCauseDependencies {
  readonly tracker: LeaderTracker;
  readonly transport: Transport;
  readonly clock: Clock;
}

/** Says why a request that began at some instant got no answer, by the rules of etcd (server/etcdserver/v3_server.go). */
export class TimeoutCause {
  /** Since when the broker is connected; Infinity while it is not. */
  #connectedSince: Instant;
  readonly #subscription: Subscription;

  constructor(
    private readonly options: TimeoutCauseOptions,
    private readonly dependencies: TimeoutCauseDependencies,
  ) {
    const { transport, clock } = dependencies;
    this.#connectedSince = transport.status === "connected" ? -Infinity : Infinity;
    this.#subscription = transport.onStatus((status) => {
      this.#connectedSince = status === "connected" ? clock.now() : Infinity;
    });
  }

  /**
   * "Leader failed" if the request began within two election timeouts before the present leader was elected;
   * "connection lost" if the connection was down at any time since it began; else just a timeout.
   */
  of(startedAt: Instant): DeliveryFailureCode {
    const elected = this.dependencies.tracker.newest?.since;
    if (
      elected !== undefined &&
      startedAt < elected &&
      startedAt > elected - 2 * this.options.electionTimeoutMs
    ) {
      return "timeout-leader-failed";
    }
    return this.#connectedSince > startedAt ? "timeout-connection-lost" : "timeout";
  }

  close(): void {
    this.#subscription.unsubscribe();
  }
}
