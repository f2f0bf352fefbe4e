import type { Entry, LogIndex } from "../types";

/**
 * Where configuration entries stand in the log that are not applied yet. A configuration takes effect when its entry is
 * applied, so two rules ask for them: a member does not campaign while a *committed* one is unapplied (it would ask, or
 * count, the wrong members), and a leader adds none while any is.
 *
 * Entries that a start left on disk are not known by type. Until they are applied each counts as one.
 */
export class ConfigurationEntries {
  /** Entries up to here were not seen. */
  #unseen: LogIndex;
  #indexes: LogIndex[] = [];
  #applied: LogIndex;

  /** @param tail The newest entries of the log, without a gap up to its last. */
  constructor(tail: readonly Entry[], applied: LogIndex) {
    this.#unseen = ((tail[0]?.index ?? applied + 1) - 1) as LogIndex;
    this.#applied = applied;
    for (const entry of tail) this.appended(entry);
  }

  /** Whether one stands after the applied entries and up to `index`. */
  isUnappliedUpTo(index: LogIndex): boolean {
    if (Math.min(index, this.#unseen) > this.#applied) return true;
    const [first] = this.#indexes;
    return first !== undefined && first <= index;
  }

  /** The first that stands after `after`, where everything up to `applied` at least is, and up to `to`. */
  firstBetween(after: LogIndex, to: LogIndex): LogIndex | undefined {
    const next = (Math.max(after, this.#applied) + 1) as LogIndex;
    if (next <= Math.min(to, this.#unseen)) return next;
    return this.#indexes.find((index) => index > after && index <= to);
  }

  appended(entry: Entry): void {
    if (entry.type === "configuration" && entry.index > this.#applied) this.#indexes.push(entry.index);
  }

  truncatedFrom(index: LogIndex): void {
    this.#indexes = this.#indexes.filter((at) => at < index);
  }

  /** All entries are gone: the log begins anew behind `index`, where a snapshot ends. */
  restartedAfter(index: LogIndex): void {
    this.#indexes = [];
    this.#unseen = Math.min(this.#unseen, index) as LogIndex;
  }

  applied(index: LogIndex): void {
    this.#applied = index;
    if ((this.#indexes[0] ?? Infinity) <= index) this.#indexes = this.#indexes.filter((at) => at > index);
  }
}
