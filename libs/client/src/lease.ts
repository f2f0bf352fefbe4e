import type { Clock, Timer } from "@quorate/base";
import { QuorateError } from "./errors";
import type { CallOptions } from "./pending-call";
import type { LeaseRenewal } from "./results";

/** What a lease needs of its client. */
export interface LeaseCalls {
  keepAliveOnce(id: bigint, options: CallOptions): Promise<LeaseRenewal>;
  revoke(id: bigint): Promise<void>;
}

export interface LeaseFields {
  readonly id: bigint;
  readonly ttlSeconds: number;
  /** When the grant was asked for, on the client's clock. */
  readonly grantedAt: number;
}

/** Why a lease that was held is held no longer: the reason of its `lost` signal. */
export class LeaseLostError extends Error {
  override readonly name = "LeaseLostError";

  constructor(
    readonly id: bigint,
    why: string,
  ) {
    super(`Lease ${BigInt.asUintN(64, id).toString(16)} is lost: ${why}`);
  }
}

/** After a failed renewal, the longest pause before the next attempt. */
const RETRY_MS_MAX = 500;

/**
 * A lease that is held: renewed every third of its TTL until it is disposed of, which revokes it and deletes its keys.
 *
 * It counts as lost when the cluster says so, and when no renewal was acknowledged for as long as the TTL, counted from
 * when the last acknowledged one was *sent*: never later than the cluster counts. What the lease protects must stop then.
 */
export class Lease implements AsyncDisposable {
  readonly id: bigint;
  /** As granted; it may be more than was asked for. */
  readonly ttlSeconds: number;
  readonly #lost = new AbortController();
  readonly #clock: Clock;
  readonly #calls: LeaseCalls;
  #aliveUntil: number;
  #renewing: Timer | undefined;
  #end: Timer | undefined;
  #released: Promise<void> | undefined;

  constructor(fields: LeaseFields, dependencies: { readonly clock: Clock; readonly calls: LeaseCalls }) {
    this.id = fields.id;
    this.ttlSeconds = fields.ttlSeconds;
    this.#clock = dependencies.clock;
    this.#calls = dependencies.calls;
    this.#aliveUntil = fields.grantedAt + this.#ttlMs;
    this.#watchEnd();
    this.#renewIn(fields.grantedAt + this.#intervalMs - this.#clock.now());
  }

  /** Aborted, with a {@link LeaseLostError}, once the lease cannot be relied upon any more. Not by disposing of it. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Milliseconds for which it is certain to live without another renewal; 0 once it is lost or revoked. */
  get remainingMs(): number {
    return this.#isOver ? 0 : Math.max(0, this.#aliveUntil - this.#clock.now());
  }

  /** Ends the lease and deletes its keys. Idempotent; resolves too if it is gone already. */
  revoke(): Promise<void> {
    this.#stop();
    this.#released ??= this.#calls.revoke(this.id).catch((error: unknown) => {
      if (!(error instanceof QuorateError && error.code === "NOT_FOUND")) throw error;
    });
    return this.#released;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.revoke();
  }

  get #ttlMs(): number {
    return this.ttlSeconds * 1000;
  }

  get #intervalMs(): number {
    return this.#ttlMs / 3;
  }

  get #isOver(): boolean {
    return this.#released !== undefined || this.#lost.signal.aborted;
  }

  #renewIn(delayMs: number): void {
    this.#renewing = this.#clock.setTimer(Math.max(0, delayMs), () => void this.#renew());
  }

  async #renew(): Promise<void> {
    const sentAt = this.#clock.now();
    let renewal: LeaseRenewal | undefined;
    try {
      // Rather asked again than waited for: a message may be lost, and a renewal may be repeated.
      renewal = await this.#calls.keepAliveOnce(this.id, { timeoutMs: this.#intervalMs });
    } catch (error) {
      if (!(error instanceof QuorateError)) throw error;
      if (error.code === "CANCELLED") return this.#lose("the client was closed");
    }
    if (this.#isOver) return;
    if (renewal === undefined) return this.#renewIn(Math.min(RETRY_MS_MAX, this.#intervalMs / 3));
    if (renewal.ttlSeconds === 0) return this.#lose("it has expired or was revoked");
    this.#aliveUntil = Math.max(this.#aliveUntil, sentAt + renewal.ttlSeconds * 1000);
    this.#renewIn(sentAt + this.#intervalMs - this.#clock.now());
  }

  #watchEnd(): void {
    this.#end = this.#clock.setTimer(this.#aliveUntil - this.#clock.now(), () => {
      if (this.#clock.now() >= this.#aliveUntil) this.#lose("no renewal was acknowledged in time");
      else this.#watchEnd();
    });
  }

  #lose(why: string): void {
    if (this.#isOver) return;
    this.#lost.abort(new LeaseLostError(this.id, why));
    this.#stop();
  }

  #stop(): void {
    this.#renewing?.cancel();
    this.#end?.cancel();
  }
}
