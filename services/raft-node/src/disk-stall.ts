import type { LogIndex } from "@quorate/raft";

export interface DiskStallOptions {
  /** Ticks that a sync may take before this member, if it leads, would rather not. */
  readonly stallTicks: number;
}

interface Write {
  readonly id: number;
  readonly lastIndex: LogIndex;
  readonly begun: number;
}

/**
 * Whether the disk of this member keeps the others waiting. A leader goes on sending heartbeats while its disk hangs, so nobody
 * campaigns against it; but it applies, and answers, only what it has synced itself. The others are better off with a leader
 * whose disk works: one that has already synced what this one has not.
 *
 * Counts ticks, so that the same events always come to the same decision.
 */
export class DiskStall {
  /** Writes of entries that are not known to be synced, oldest first. */
  readonly #writes: Write[] = [];
  #now = 0;
  #reportedAt = -Infinity;

  constructor(private readonly options: DiskStallOptions) {}

  /** @param id Rises from write to write. */
  writing(id: number, lastIndex: LogIndex): void {
    this.#writes.push({ id, lastIndex, begun: this.#now });
  }

  /** This write and all before it are synced. */
  synced(id: number): void {
    const waiting = this.#writes.findIndex((write) => write.id > id);
    this.#writes.splice(0, waiting === -1 ? this.#writes.length : waiting);
  }

  /**
   * A tick has passed.
   *
   * @returns What the oldest write holds, if that takes too long: whoever has synced it has a disk that works. Told once per
   *   `stallTicks`, so that a transfer has time to end before the next one is tried.
   */
  tick(): LogIndex | undefined {
    this.#now += 1;
    const [oldest] = this.#writes;
    const { stallTicks } = this.options;
    if (oldest === undefined || this.#now - oldest.begun < stallTicks) return undefined;
    if (this.#now - this.#reportedAt < stallTicks) return undefined;
    this.#reportedAt = this.#now;
    return oldest.lastIndex;
  }
}
