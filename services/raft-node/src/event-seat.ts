import type { Revision } from "@quorate/mvcc";
import type { Term } from "@quorate/raft";
import type { EventSeatAnswer, EventSeatRequest } from "@quorate/wire";

type SourceId = EventSeatRequest["source"];

/**
 * Which fan-out publishes event subjects: whoever asks first, for as long as it goes on asking. Only the leader's seat counts,
 * so one fan-out publishes at a time, but for the moments in which two nodes believe to lead.
 *
 * What was published outlives a holder and a leadership: whoever comes next goes on there.
 */
export class EventSeat {
  #term = 0 as Term;
  #holder: SourceId | undefined;
  #until = -Infinity;
  #published = 0 as Revision;

  constructor(
    private readonly options: {
      /** How long a holder that does not ask again keeps the seat, in milliseconds. */
      readonly holdMs: number;
    },
  ) {}

  /** @param term In which this node leads. @param now On a monotonic clock, in milliseconds. */
  ask({ source, published }: EventSeatRequest, term: Term, now: number): EventSeatAnswer {
    if (published > this.#published) this.#published = published;
    if (this.#holder === undefined || this.#term !== term || now >= this.#until) this.#holder = source;
    this.#term = term;
    if (this.#holder === source) this.#until = now + this.options.holdMs;
    return { holder: this.#holder, published: this.#published };
  }
}
