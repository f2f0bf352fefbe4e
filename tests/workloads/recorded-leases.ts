import { setTimeout as pause } from "node:timers/promises";

import { randomChance, randomInteger, type Prng } from "@quorate/base";

import type { HeldLease } from "../checkers/leases";
import type { HistoryRecorder } from "../checkers/history-recorder";
import { CallError, EtcdClient } from "../harness/etcd-client";
import { eventually } from "../harness/eventually";
import type { StoreDoor } from "./store-door";

/** All keys of leases begin with it. */
export const LEASE_PREFIX = "lease/";

const NOT_FOUND = 5;
const ALREADY_EXISTS = 9;
const RETRY_MS = 100;

export interface LeaseLoadOptions {
  readonly holders: number;
  /** Number of the first holder: no two clients of one history may have the same. */
  readonly firstClient: number;
  readonly timeoutMs: number;
}

/** What a holder calls: a gateway, for puts that are recorded and for what is about leases. */
interface Place {
  readonly door: StoreDoor;
  readonly address: string;
}

/**
 * Holders of leases, one lease after another each: granted, keys attached, renewed every third of its TTL for a while, then
 * revoked or forgotten. What was promised is noted, for the checkers.
 */
export class RecordedLeases {
  readonly leases: HeldLease[] = [];
  /** What a holder was told that cannot be. */
  readonly violations: string[] = [];
  readonly #holders: readonly Promise<void>[];
  #stopped = false;

  constructor(
    private readonly options: LeaseLoadOptions,
    private readonly dependencies: {
      readonly recorder: HistoryRecorder;
      readonly prng: Prng;
      readonly places: readonly Place[];
    },
  ) {
    const { places } = dependencies;
    this.#holders = Array.from({ length: options.holders }, (_, at) =>
      this.#live(options.firstClient + at, places[at % places.length]!),
    );
  }

  /** Lets the calls under way end, and starts no more. */
  async abandon(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#holders);
  }

  /** The same, and lets all leases end by themselves. @throws {NotInTimeError} A key outlives its lease by far. */
  async stop(withinMs: number): Promise<void> {
    await this.abandon();
    const { door } = this.dependencies.places[0]!;
    const everything = { kind: "range", key: LEASE_PREFIX, rangeEnd: `${LEASE_PREFIX}~` } as const;
    await eventually("all leases to end", { withinMs, everyMs: 250 }, async () => {
      const outcome = await door.call(everything);
      return outcome.kind === "ok" && outcome.result.kind === "range" && outcome.result.kvs.length === 0;
    });
  }

  async #live(number: number, { door, address }: Place): Promise<void> {
    const { prng } = this.dependencies;
    const client = new EtcdClient({ address, deadlineMs: this.options.timeoutMs });
    try {
      for (let count = 1; !this.#stopped; count += 1) {
        const lease = await this.#granted(client, number * 100_000 + count);
        if (lease === undefined) {
          await pause(RETRY_MS);
          continue;
        }
        if (!(await this.#attach(number, door, lease, randomInteger(prng, 1, 3)))) continue;
        await this.#renew(client, lease, randomInteger(prng, 0, 6));
        if (randomChance(prng, 0.3)) await this.#revoke(client, lease);
      }
    } finally {
      client.close();
    }
  }

  async #granted(client: EtcdClient, id: number): Promise<HeldLease | undefined> {
    const ttlSeconds = randomInteger(this.dependencies.prng, 2, 4);
    const lease: HeldLease = {
      id: id.toString(16),
      ttlMs: ttlSeconds * 1000,
      acknowledged: [],
      keys: [],
      revokedAt: Infinity,
    };
    this.leases.push(lease);
    const calledAt = performance.now();
    const granted = await this.#attempt(
      () => client.leaseGrant({ ID: id, TTL: ttlSeconds }),
      [ALREADY_EXISTS],
    );
    if (granted === undefined) return undefined;
    lease.acknowledged.push(calledAt);
    return lease;
  }

  /** @returns Whether the lease may still be there. */
  async #attach(number: number, door: StoreDoor, lease: HeldLease, keys: number): Promise<boolean> {
    for (let at = 0; at < keys; at += 1) {
      const key = `${LEASE_PREFIX}${lease.id}/${at}`;
      const request = { kind: "put", key, value: `${number}:${lease.id}:${at}`, lease: lease.id } as const;
      lease.keys.push(key);
      const done = this.dependencies.recorder.call(number, request);
      const { outcome } = done(await door.call(request));
      if (outcome.kind === "refused") {
        this.#checkMayBeGone(lease, `a key could not be attached (${outcome.code})`);
        return false;
      }
    }
    return true;
  }

  async #renew(client: EtcdClient, lease: HeldLease, times: number): Promise<void> {
    for (let time = 0; time < times && !this.#stopped; time += 1) {
      await pause(lease.ttlMs / 3);
      const calledAt = performance.now();
      const ID = Number.parseInt(lease.id, 16);
      const answers = await this.#attempt(() => client.leaseKeepAlive([{ ID }]), []);
      const [answer] = answers ?? [];
      if (answer === undefined) continue;
      if (Number(answer.TTL) === 0) return this.#checkMayBeGone(lease, "a renewal was told that it is gone");
      lease.acknowledged.push(calledAt);
    }
  }

  async #revoke(client: EtcdClient, lease: HeldLease): Promise<void> {
    lease.revokedAt = performance.now();
    const ID = Number.parseInt(lease.id, 16);
    await this.#attempt(() => client.leaseRevoke({ ID }), [NOT_FOUND]);
  }

  /** @returns `undefined` if it failed, which any call may while something is broken. */
  async #attempt<T>(call: () => Promise<T>, expectedCodes: readonly number[]): Promise<T | undefined> {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      if ([NOT_FOUND, ALREADY_EXISTS].includes(error.code) && !expectedCodes.includes(error.code))
        this.violations.push(`a call about a lease was answered ${error.message}`);
      return undefined;
    }
  }

  #checkMayBeGone(lease: HeldLease, what: string): void {
    const now = performance.now();
    const aliveUntil = Math.max(...lease.acknowledged) + lease.ttlMs;
    if (now < aliveUntil && lease.revokedAt > now)
      this.violations.push(`${what}: lease ${lease.id} at ${now}, alive until ${aliveUntil}`);
  }
}
