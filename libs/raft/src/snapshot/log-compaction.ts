import { invariant } from "@quorate/base";
import type { Member } from "../roles/member";
import type { LogIndex } from "../types";

/** What the present role knows of members that lag. */
export interface CompactionHold {
  /** The lowest index that a member which answers still needs the entries behind. */
  readonly index: LogIndex;
  /** That member is being sent a snapshot: without those entries it would need the next one at once. */
  readonly bySnapshot: boolean;
}

/** A role that knows nothing of the others. */
export const NO_HOLD: CompactionHold = { index: Infinity as LogIndex, bySnapshot: false };

/** While a snapshot is on its way the log may grow to this many times its usual bound. */
const SNAPSHOT_BYTES_FACTOR = 4;

/**
 * Decides how much of the log may go: what is applied durably, less a margin behind the slowest member that answers, so that
 * one which was away for a moment finds its entries; and of that margin no more than a bound in bytes.
 */
export class LogCompaction {
  readonly #member: Member;
  #durablyApplied = 0 as LogIndex;
  #asked = 0 as LogIndex;

  constructor(dependencies: { readonly member: Member }) {
    this.#member = dependencies.member;
  }

  appliedDurably(index: LogIndex, hold: CompactionHold): void {
    const { log, options, configuration } = this.#member;
    invariant(index >= this.#durablyApplied, "what is durable stays so", {
      index,
      before: this.#durablyApplied,
    });
    this.#durablyApplied = index;
    const byEntries = Math.min(index, hold.index) - options.logKeepEntries;
    const bytesMax = options.logKeepBytesMax * (hold.bySnapshot ? SNAPSHOT_BYTES_FACTOR : 1);
    const byBytes = log.firstWithin(bytesMax) - 1;
    // In repair the applied state may be ahead of what is left of the log.
    const upTo = Math.min(index, log.commit, Math.max(byEntries, byBytes)) as LogIndex;
    if (upTo <= Math.max(this.#asked, log.compacted.index)) return;
    this.#asked = upTo;
    this.#member.notice({ kind: "compact", upTo, configuration });
  }
}
