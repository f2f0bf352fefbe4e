import { setTimeout as pause } from "node:timers/promises";
import { equalBytes } from "@quorate/base";
import type { EtcdLease } from "@quorate/bbolt";
import { everyKey, operation, QuorateError, type KeyValue, type QuorateClient } from "@quorate/client";
import { CommandError } from "../command-error";
import { leaseText } from "../kv/lease-output";
import type { CurrentKey } from "./etcd-contents";

/** Transactions, or leases, that are under way at once. */
const IN_FLIGHT = 8;
const CALL_TIMEOUT_MS = 15_000;
const ATTEMPTS = 10;
const PAUSE_MS = 500;
/** What is not over when tried again may go well then. */
const PASSING: readonly string[] = ["UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "UNKNOWN"];

/** A cluster into which something is imported: nobody else writes these keys, so whatever is done may be done twice. */
export class ImportTarget {
  constructor(private readonly client: QuorateClient) {}

  async keyCount(): Promise<number> {
    const { count } = await again(() =>
      this.client.range(everyKey(), { countOnly: true, timeoutMs: CALL_TIMEOUT_MS }),
    );
    return count;
  }

  /** With the same id and TTL; one that is there already is taken as it is. */
  async grant({ id, ttlSeconds }: EtcdLease): Promise<void> {
    try {
      await again(() => this.client.grantLease(Number(ttlSeconds), { id, timeoutMs: CALL_TIMEOUT_MS }));
    } catch (error) {
      if (!(error instanceof QuorateError) || !error.message.includes("lease already exists")) throw error;
    }
  }

  async renew({ id }: EtcdLease): Promise<void> {
    const { ttlSeconds } = await again(() => this.client.keepAliveOnce(id, { timeoutMs: CALL_TIMEOUT_MS }));
    if (ttlSeconds <= 0) throw new CommandError(`Lease ${leaseText(id)} has ended meanwhile: import anew`);
  }

  /** At one revision. */
  async put(keys: readonly CurrentKey[]): Promise<void> {
    const puts = keys.map(({ key, value, lease }) => operation.put(key, value, { lease }));
    await again(() =>
      this.client
        .txn()
        .then(...puts)
        .commit({ timeoutMs: CALL_TIMEOUT_MS }),
    );
  }

  /** @throws {CommandError} one of them is not as it should be. */
  async compare(keys: readonly CurrentKey[]): Promise<void> {
    const gets = keys.map(({ key }) => operation.get(key));
    const { results } = await again(() =>
      this.client
        .txn()
        .then(...gets)
        .commit({ timeoutMs: CALL_TIMEOUT_MS }),
    );
    for (const [index, expected] of keys.entries()) {
      const result = results[index];
      const found = result?.kind === "range" ? result.keyValues[0] : undefined;
      const difference = differenceOf(expected, found);
      if (difference === undefined) continue;
      const name = JSON.stringify(Buffer.from(expected.key).toString());
      throw new CommandError(`The key ${name} was imported, and ${difference}: somebody else may be writing`);
    }
  }
}

function differenceOf(expected: CurrentKey, found: KeyValue | undefined): string | undefined {
  if (found === undefined) return "is not there";
  if (!equalBytes(found.value, expected.value)) return "has another value";
  if (found.lease === expected.lease) return undefined;
  return `is attached to lease ${leaseText(found.lease)}, not to ${leaseText(expected.lease)}`;
}

/** Does `work` for each, several at once. */
export async function forEachOf<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const iterator = items[Symbol.iterator]();
  const lane = async (): Promise<void> => {
    for (let next = iterator.next(); next.done !== true; next = iterator.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
}

async function again<T>(call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof QuorateError) || !PASSING.includes(error.code) || attempt === ATTEMPTS)
        throw error;
      await pause(PAUSE_MS);
    }
  }
}
