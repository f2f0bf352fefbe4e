import type { Persistence } from "./persistence";
import type { Envelope, Message } from "./message";
import type { LogIndex, MemberId, Term } from "./types";

interface Waiting {
  readonly envelope: Envelope;
  /** The member's term when the message was made. Deposed since, it must not speak for that term any more. */
  readonly term: Term;
  /** Leaves once this write is durable. */
  readonly after: number;
}

/**
 * Messages on their way out, held until what they reveal is durable (thesis §3.8).
 *
 * Every message reveals its sender's term, some its vote. A vote *request* too must wait: were the term lost in a crash,
 * the member could campaign in it again with a shorter log, and late grants for the longer one would elect it.
 *
 * A claim to hold entries cannot become untrue while it waits, except together with its term: within a term a follower claims
 * only what agrees with the log of the term's one leader, which never shrinks, and a log is cut or begun anew only where it does
 * not agree. So what a truncation takes back was claimed in an earlier term, and is dropped for that.
 */
export class Outbox {
  readonly #persistence: Persistence;
  #waiting: Waiting[] = [];
  /** Made this turn and bound to nothing but the term. */
  #ready: Waiting[] = [];

  constructor(dependencies: { readonly persistence: Persistence }) {
    this.#persistence = dependencies.persistence;
  }

  /** Sends once the present term and vote are durable: at once, in a steady term. */
  send(to: MemberId, term: Term, message: Message): void {
    this.#put({ envelope: { to, message }, term, after: this.#persistence.hardStateId });
  }

  /** Sends a message that claims the log up to `claims`, once that is durable too. */
  sendClaiming(to: MemberId, term: Term, message: Message, claims: LogIndex): void {
    const after =
      claims > this.#persistence.durable ? this.#persistence.latestId : this.#persistence.hardStateId;
    this.#put({ envelope: { to, message }, term, after });
  }

  /** The messages that may leave now, in the order they were made. */
  take(term: Term): Envelope[] {
    const envelopes: Envelope[] = [];
    if (this.#waiting.length > 0) {
      const kept: Waiting[] = [];
      for (const waiting of this.#waiting) {
        if (waiting.term !== term) continue;
        if (waiting.after <= this.#persistence.persistedId) envelopes.push(waiting.envelope);
        else kept.push(waiting);
      }
      this.#waiting = kept;
    }
    for (const ready of this.#ready) if (ready.term === term) envelopes.push(ready.envelope);
    this.#ready = [];
    return envelopes;
  }

  #put(waiting: Waiting): void {
    if (waiting.after <= this.#persistence.persistedId) this.#ready.push(waiting);
    else this.#waiting.push(waiting);
  }
}
