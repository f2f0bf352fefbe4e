import { randomPick, type Prng } from "@quorate/base";
import type { LinkReceiver } from "./broker-link";
import { hasWildcard, subjectMatches } from "./subject";

export interface TableEntry<C> {
  readonly client: C;
  readonly subject: string;
  readonly queue: string | undefined;
  readonly receive: LinkReceiver;
}

/** Who gets a message: every plain subscription that matches, and one member of each queue group. */
export class SubscriptionTable<C extends { readonly connected: boolean }> {
  readonly #literal = new Map<string, Set<TableEntry<C>>>();
  readonly #wildcard = new Set<TableEntry<C>>();

  add(entry: TableEntry<C>): void {
    if (hasWildcard(entry.subject)) {
      this.#wildcard.add(entry);
      return;
    }
    const same = this.#literal.get(entry.subject);
    if (same === undefined) this.#literal.set(entry.subject, new Set([entry]));
    else same.add(entry);
  }

  remove(entry: TableEntry<C>): void {
    this.#wildcard.delete(entry);
    const same = this.#literal.get(entry.subject);
    if (same?.delete(entry) === true && same.size === 0) this.#literal.delete(entry.subject);
  }

  has(entry: TableEntry<C>): boolean {
    return this.#wildcard.has(entry) || this.#literal.get(entry.subject)?.has(entry) === true;
  }

  /** The order is that of subscribing, literal subjects first. Subscriptions of disconnected clients do not count. */
  receivers(subject: string, prng: Prng): TableEntry<C>[] {
    const plain: TableEntry<C>[] = [];
    const groups = new Map<string, TableEntry<C>[]>();
    const consider = (entry: TableEntry<C>): void => {
      if (!entry.client.connected) return;
      const members = entry.queue === undefined ? plain : groups.get(entry.queue);
      if (members === undefined) groups.set(entry.queue!, [entry]);
      else members.push(entry);
    };
    this.#literal.get(subject)?.forEach(consider);
    for (const entry of this.#wildcard) if (subjectMatches(entry.subject, subject)) consider(entry);
    for (const members of groups.values()) plain.push(randomPick(prng, members));
    return plain;
  }
}
