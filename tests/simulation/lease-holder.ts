import type { VirtualTime } from "@quorate/actor";
import { randomChance, randomInteger, type Prng } from "@quorate/base";
import { encodeLeaseGrantRequest, etcdserverpb, saturatingNumber, wireId } from "@quorate/wire";
import type { LeaseId } from "@quorate/lease";
import type { Operation } from "../checkers/history";
import type { HeldLease } from "../checkers/leases";
import { HistoryViolation } from "../checkers/violation";
import { encodeStoreRequest } from "../workloads/store-messages";
import { outcomeOf } from "./simulated-client";
import type { SimulatedGateway } from "./simulated-gateway";

/**
 * A client that lives by leases, one after another: grants one, attaches keys, renews it every third of its TTL for a
 * while, and then revokes or forgets it.
 */
export class LeaseHolder {
  readonly operations: Operation[] = [];
  readonly leases: HeldLease[] = [];
  #stopped = false;

  constructor(
    private readonly options: {
      readonly number: number;
      /** By how much the clock of a member may be too fast: it ends a lease so much earlier. */
      readonly clockRateMax: number;
    },
    private readonly dependencies: {
      readonly time: VirtualTime;
      readonly prng: Prng;
      readonly gateway: SimulatedGateway;
    },
  ) {}

  get number(): number {
    return this.options.number;
  }

  start(): void {
    const { time, prng } = this.dependencies;
    time.setTimer(randomInteger(prng, 0, 500), () => {
      if (!this.#stopped) this.#grant();
    });
  }

  stop(): void {
    this.#stopped = true;
  }

  #grant(): void {
    const { time, prng, gateway } = this.dependencies;
    const id = BigInt(this.options.number * 100_000 + this.leases.length + 1) as LeaseId;
    const ttlSeconds = randomInteger(prng, 2, 4);
    const calledAt = time.now();
    const lease: HeldLease = {
      id: id.toString(16),
      ttlMs: (ttlSeconds * 1000) / this.options.clockRateMax,
      acknowledged: [],
      keys: [],
      revokedAt: Infinity,
    };
    this.leases.push(lease);
    gateway.write({ kind: "lease-grant", bytes: encodeLeaseGrantRequest({ id, ttlSeconds }) }, (outcome) => {
      if (outcome.kind === "failed") return this.start();
      lease.acknowledged.push(calledAt);
      this.#attach(lease, randomInteger(prng, 1, 3));
    });
  }

  #attach(lease: HeldLease, missing: number): void {
    if (missing === 0) return this.#renewLater(lease, randomInteger(this.dependencies.prng, 0, 6));
    const { time, gateway } = this.dependencies;
    const key = `lease/${lease.id}/${missing}`;
    const value = `${this.options.number}:${this.operations.length}`;
    const request = { kind: "put", key, value, lease: lease.id } as const;
    const operation: Operation = {
      client: this.options.number,
      calledAt: time.now(),
      returnedAt: Infinity,
      request,
      outcome: { kind: "unknown", code: "no answer" },
    };
    this.operations.push(operation);
    lease.keys.push(key);
    gateway.write({ kind: "put", bytes: encodeStoreRequest(request).bytes }, (outcome) => {
      operation.returnedAt = time.now();
      operation.outcome = outcomeOf(request, outcome);
      if (outcome.kind === "failed" && outcome.failure.code === "lease-not-found") {
        this.#checkMayBeGone(lease, "a key could not be attached to a lease that has time left");
        return this.start();
      }
      this.#attach(lease, missing - 1);
    });
  }

  #renewLater(lease: HeldLease, times: number): void {
    const { time } = this.dependencies;
    if (times === 0 || this.#stopped) return this.#leave(lease);
    time.setTimer(lease.ttlMs / 3, () => {
      const calledAt = time.now();
      const request = etcdserverpb.LeaseKeepAliveRequest.encode({ ID: wireId(idOf(lease)) }).finish();
      this.dependencies.gateway.askLease({ kind: "keep-alive", bytes: request }, (outcome) => {
        if (outcome.kind === "ok") {
          const { TTL } = etcdserverpb.LeaseKeepAliveResponse.decode(outcome.bytes);
          if (saturatingNumber(TTL) === 0) {
            this.#checkMayBeGone(lease, "a lease was told to be gone while it had time left");
            return this.start();
          }
          lease.acknowledged.push(calledAt);
        }
        this.#renewLater(lease, times - 1);
      });
    });
  }

  #leave(lease: HeldLease): void {
    const { time, prng, gateway } = this.dependencies;
    if (randomChance(prng, 0.7)) return this.start();
    lease.revokedAt = time.now();
    const request = etcdserverpb.LeaseRevokeRequest.encode({ ID: wireId(idOf(lease)) }).finish();
    gateway.write({ kind: "lease-revoke", bytes: request }, () => this.start());
  }

  #checkMayBeGone(lease: HeldLease, what: string): void {
    const now = this.dependencies.time.now();
    const aliveUntil = Math.max(...lease.acknowledged) + lease.ttlMs;
    if (now < aliveUntil && lease.revokedAt > now)
      throw new HistoryViolation(`${what}: lease ${lease.id} at ${now}, alive until ${aliveUntil}`);
  }
}

function idOf({ id }: HeldLease): LeaseId {
  return BigInt(`0x${id}`) as LeaseId;
}
