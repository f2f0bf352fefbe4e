import { invariant } from "@quorate/base";
import { isAtLeast } from "../log/entry-order";
import type { EntryId, LogIndex } from "../types";

/**
 * Repair mode: the disk has lost entries that this member may have acknowledged, and `until` is the newest of which it is
 * known. Whoever counted on these entries may need this member's vote to keep them, so until its log is as complete again it
 *
 * - votes only for candidates that are at least at `until`: they hold what was lost, if it was committed;
 * - does not campaign, since it would lead without the lost entries;
 * - answers no read: what it has applied may be ahead of its log, and nothing may depend on a log that cannot be trusted;
 * - appends and acknowledges like anyone: what it acknowledges now is on its disk.
 *
 * A cluster in which every holder of an entry lost it has nobody left to elect. It halts, rather than forget.
 */
export class Repair {
  /** What the state machine holds; its entries may be among the lost ones, and were committed. */
  readonly #applied: LogIndex;
  #until: EntryId | undefined;

  constructor(until: EntryId | undefined, applied: LogIndex) {
    this.#until = until;
    this.#applied = applied;
  }

  /** `undefined`: the log holds all that it ever promised. */
  get until(): EntryId | undefined {
    return this.#until;
  }

  get active(): boolean {
    return this.#until !== undefined;
  }

  /** Notices while it runs that `lost` is gone. @returns Whether that says more than was known. */
  notice(lost: EntryId): boolean {
    if (this.#until !== undefined && isAtLeast(this.#until, lost)) return false;
    this.#until = lost;
    return true;
  }

  /** Whether a candidate whose log ends in `last` may have this member's vote, as far as lost entries go. */
  permits(last: EntryId): boolean {
    return this.#until === undefined || isAtLeast(last, this.#until);
  }

  /**
   * The log is durable up to `last`. @returns The index up to which it is committed at least, if that ends the repair: what
   * was applied is in it again, because no leader of a later term is without what was committed.
   */
  durable(last: EntryId): LogIndex | undefined {
    if (this.#until === undefined || !this.permits(last)) return undefined;
    this.#until = undefined;
    invariant(last.index >= this.#applied, "a repaired log holds what was applied", {
      last: last.index,
      applied: this.#applied,
    });
    return this.#applied;
  }
}
