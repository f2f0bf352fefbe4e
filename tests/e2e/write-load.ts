import { setTimeout as pause } from "node:timers/promises";

import { CallError, type EtcdClient } from "../harness/etcd-client";
import { eventually } from "../harness/eventually";

/** A put that the cluster said it has done. Times are of one monotonic clock, in milliseconds. */
export interface AcknowledgedWrite {
  readonly key: string;
  readonly value: string;
  readonly revision: number;
  readonly calledAt: number;
  readonly returnedAt: number;
}

/** A put without acknowledgement: it may have happened or not. */
export interface FailedWrite {
  readonly code: number;
  readonly text: string;
  readonly calledAt: number;
  readonly returnedAt: number;
}

/** Also one that tries again where that is allowed. */
export type WritingClient = Pick<EtcdClient, "put" | "range">;

/** A failed writer lets the others through before it goes on. */
const pauseAfterFailureMs = 20;

/**
 * Writers that put unique values to keys of their own, one at a time each, until they are stopped, and keep book of what
 * was acknowledged. No put is tried twice.
 */
export class WriteLoad {
  readonly acknowledged: AcknowledgedWrite[] = [];
  readonly failed: FailedWrite[] = [];
  readonly #client: WritingClient;
  readonly #prefix: string;
  readonly #writers: readonly Promise<void>[];
  #stopped = false;

  /** @param prefix Of all keys that are written; no other load may use it. */
  constructor(options: { readonly prefix: string; readonly writers: number }, client: WritingClient) {
    this.#client = client;
    this.#prefix = options.prefix;
    this.#writers = Array.from({ length: options.writers }, (_, writer) => this.#write(writer));
  }

  /** Waits until `count` more puts than now were acknowledged. */
  async untilAcknowledged(count: number, withinMs: number): Promise<void> {
    const target = this.acknowledged.length + count;
    await eventually(
      `${count} more acknowledged writes`,
      { withinMs },
      () => this.acknowledged.length >= target,
    );
  }

  /** Lets the puts under way end, and starts no more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#writers);
  }

  /** The longest time in which nothing was acknowledged, in milliseconds. */
  longestGapMs(): number {
    const times = this.acknowledged.map(({ returnedAt }) => returnedAt).sort((a, b) => a - b);
    return times.reduce((longest, time, at) => Math.max(longest, time - (times[at - 1] ?? time)), 0);
  }

  /** What is wrong with the store, given what was acknowledged; empty if all is there as promised. */
  async violations(client = this.#client): Promise<string[]> {
    const { kvs } = await client.range({
      key: Buffer.from(this.#prefix),
      rangeEnd: Buffer.from(`${this.#prefix}~`),
    });
    const stored = new Map(
      kvs.map(({ key, value, modRevision, version }) => [
        Buffer.from(key ?? []).toString(),
        {
          value: Buffer.from(value ?? []).toString(),
          revision: Number(modRevision),
          version: Number(version),
        },
      ]),
    );
    // Also of writes that were not acknowledged: those may have happened, but once.
    const repeated = [...stored]
      .filter(([, { version }]) => version !== 1)
      .map(([key, { version }]) => `${key} was put once and has been written ${version} times`);
    const lost = this.acknowledged.flatMap(({ key, value, revision }) => {
      const found = stored.get(key);
      if (found === undefined) return [`${key} was acknowledged at ${revision} and is missing`];
      if (found.value === value && found.revision === revision) return [];
      return [
        `${key} was acknowledged as ${value} at ${revision} and is ${found.value} at ${found.revision}`,
      ];
    });
    return [...lost, ...repeated, ...orderViolations(this.acknowledged)];
  }

  async #write(writer: number): Promise<void> {
    for (let count = 0; !this.#stopped; count += 1) {
      const key = `${this.#prefix}${writer}/${count}`;
      const value = `value ${count} of writer ${writer}`;
      const calledAt = performance.now();
      try {
        const { header } = await this.#client.put({ key: Buffer.from(key), value: Buffer.from(value) });
        const revision = Number(header?.revision);
        this.acknowledged.push({ key, value, revision, calledAt, returnedAt: performance.now() });
      } catch (error) {
        if (!(error instanceof CallError)) throw error;
        this.failed.push({ code: error.code, text: error.text, calledAt, returnedAt: performance.now() });
        await pause(pauseAfterFailureMs);
      }
    }
  }
}

/**
 * Writes that share a revision, or whose revisions contradict real time: if one had returned before another was called,
 * its revision must be the smaller.
 */
export function orderViolations(writes: readonly AcknowledgedWrite[]): string[] {
  const found: string[] = [];
  const keyAt = new Map<number, string>();
  for (const { key, revision } of writes) {
    const other = keyAt.get(revision);
    if (other !== undefined) found.push(`${key} and ${other} were both acknowledged at ${revision}`);
    keyAt.set(revision, key);
  }
  const byReturn = writes.toSorted((a, b) => a.returnedAt - b.returnedAt);
  const byCall = writes.toSorted((a, b) => a.calledAt - b.calledAt);
  let returned = 0;
  let newest: AcknowledgedWrite | undefined;
  for (const write of byCall) {
    for (
      ;
      returned < byReturn.length && (byReturn[returned] as AcknowledgedWrite).returnedAt < write.calledAt;
      returned += 1
    ) {
      const candidate = byReturn[returned] as AcknowledgedWrite;
      if (newest === undefined || candidate.revision > newest.revision) newest = candidate;
    }
    if (newest !== undefined && newest.revision >= write.revision) {
      found.push(
        `${write.key} has revision ${write.revision}, not above ${newest.revision} of ${newest.key}, which had returned`,
      );
    }
  }
  return found;
}
