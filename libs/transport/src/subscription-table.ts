import { randomPick, type Prng } from "@quorate/base";
import type { LinkReceiver } from "./broker-link";
import { hasWildcard, subjectMatches } from "./subject";

export interface TableEntry<C> {
  readonly client: C;
  readonly subject: string;
  readonly queue: string | undefined;
  readonly receive: LinkReceiver;
}

/** Subjects whose subscriptions are remembered; far more than are in use at one time. */
const REMEMBERED_MAX = 4096;

/** Who gets a message: every plain subscription that matches, and one member of each queue group. */
export class SubscriptionTable<C extends { readonly connected: boolean }> {
  readonly #literal = new Map<string, Set<TableEntry<C>>>();
  /** With what stands before the first wildcard of each: most do not match, and this tells at once. */
  readonly #wildcard = new Map<TableEntry<C>, string>();
  /** By subject, as long as nobody subscribes or leaves: matching wildcards is most of what a message costs here. */
  readonly #matching = new Map<string, readonly TableEntry<C>[]>();

  add(entry: TableEntry<C>): void {
    if (hasWildcard(entry.subject)) {
      this.#matching.clear();
      this.#wildcard.set(entry, entry.subject.slice(0, entry.subject.search(/[*>]/)));
      return;
    }
    this.#matching.delete(entry.subject);
    const same = this.#literal.get(entry.subject);
    if (same === undefined) this.#literal.set(entry.subject, new Set([entry]));
    else same.add(entry);
  }

  remove(entry: TableEntry<C>): void {
    if (this.#wildcard.delete(entry)) this.#matching.clear();
    else this.#matching.delete(entry.subject);
    const same = this.#literal.get(entry.subject);
    if (same?.delete(entry) === true && same.size === 0) this.#literal.delete(entry.subject);
  }

  has(entry: TableEntry<C>): boolean {
    return this.#wildcard.has(entry) || this.#literal.get(entry.subject)?.has(entry) === true;
  }

  /** The order is that of subscribing, literal subjects first. Subscriptions of disconnected clients do not count. */
  receivers(subject: string, prng: Prng): readonly TableEntry<C>[] {
    const matching = this.#matchingOf(subject);
    if (matching.every(({ client, queue }) => client.connected && queue === undefined)) return matching;
    const plain: TableEntry<C>[] = [];
    let groups: Map<string, TableEntry<C>[]> | undefined;
    for (const entry of matching) {
      if (!entry.client.connected) continue;
      if (entry.queue === undefined) {
        plain.push(entry);
        continue;
      }
      groups ??= new Map<string, TableEntry<C>[]>();
      const members = groups.get(entry.queue);
      if (members === undefined) groups.set(entry.queue, [entry]);
      else members.push(entry);
    }
    if (groups !== undefined) for (const members of groups.values()) plain.push(randomPick(prng, members));
    return plain;
  }

  #matchingOf(subject: string): readonly TableEntry<C>[] {
    const known = this.#matching.get(subject);
    if (known !== undefined) return known;
    const matching = [...(this.#literal.get(subject) ?? [])];
    for (const [entry, prefix] of this.#wildcard)
      if (subject.startsWith(prefix) && subjectMatches(entry.subject, subject)) matching.push(entry);
    if (this.#matching.size >= REMEMBERED_MAX) this.#matching.clear();
    this.#matching.set(subject, matching);
    return matching;
  }
}
