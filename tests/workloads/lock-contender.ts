import { ClaimLostError, operation, QuorateError, type HeldLock, type QuorateClient } from "@quorate/client";

import type { Change } from "../checkers/history";

/** What contenders count, and under which fencing token. */
export interface Count {
  readonly count: number;
  readonly token: number;
}

/** Keys of one lock and of what it guards. */
export interface LockNames {
  readonly lock: string;
  readonly value: string;
}

/** Counts under a lock until told to stop: reads, then writes one more, guarded by the lock and by nothing else. */
export class LockContender {
  readonly tokens: number[] = [];
  #stopped = false;
  readonly #work: Promise<void>;

  constructor(
    private readonly names: LockNames,
    private readonly client: QuorateClient,
  ) {
    this.#work = this.#contend();
  }

  stop(): Promise<void> {
    this.#stopped = true;
    return this.#work;
  }

  async #contend(): Promise<void> {
    while (!this.#stopped) {
      try {
        await using lock = await this.client.mutex(this.names.lock, { ttlSeconds: 3 }).lock();
        this.tokens.push(lock.fencingToken);
        await this.#count(lock);
      } catch (error) {
        // An increment whose outcome is unknown is not tried again: unlocking made the guard refuse it from then on.
        if (!(error instanceof QuorateError) && !(error instanceof ClaimLostError)) throw error;
      }
    }
  }

  async #count(lock: HeldLock): Promise<void> {
    const { value } = this.names;
    for (let step = 0; step < 3 && lock.isHeld; step += 1) {
      const now = (await this.client.get(value))?.json() as Count | undefined;
      const next: Count = { count: (now?.count ?? 0) + 1, token: lock.fencingToken };
      const counting = this.client
        .txn()
        .if(lock.guard)
        .then(operation.put(value, JSON.stringify(next)));
      await counting.commit({ timeoutMs: 3000 });
    }
  }
}

/** What is wrong with what was counted: an update that was lost, or one of who did not hold the lock any more. */
export function countViolations(log: readonly Change[], { value }: LockNames): string[] {
  const counts = log.flatMap((change) =>
    change.key === value && change.value !== undefined ? [JSON.parse(change.value) as Count] : [],
  );
  return counts.flatMap(({ count, token }, at) => [
    ...(count === at + 1 ? [] : [`count ${count} stands at ${at + 1}: an update was lost`]),
    ...(token >= (counts[at - 1]?.token ?? 0) ? [] : [`token ${token} came after ${counts[at - 1]?.token}`]),
  ]);
}
