import type { RaftEffect, TransferOutcome } from "../effect";
import type { MemberId, Term } from "../types";

interface UnderWay {
  readonly id: number;
  readonly to: MemberId;
  /** The term whose leadership is given away. */
  readonly term: Term;
  ticks: number;
}

/**
 * A leadership on its way to another member (thesis §3.10), as the one who gives it away sees it. It outlives the role: how
 * it ended is known only when somebody leads again. Ends within two election timeouts, whatever is lost.
 */
export class LeadershipTransfer {
  readonly #timeoutTicks: number;
  readonly #ended: (effect: RaftEffect) => void;
  #underWay: UnderWay | undefined;

  constructor(timeoutTicks: number, dependencies: { readonly ended: (effect: RaftEffect) => void }) {
    this.#timeoutTicks = timeoutTicks;
    this.#ended = dependencies.ended;
  }

  /** To whom, while one is under way. */
  get to(): MemberId | undefined {
    return this.#underWay?.to;
  }

  begin(id: number, to: MemberId, term: Term): void {
    this.#underWay = { id, to, term, ticks: 0 };
  }

  /** Time passes. @param leading Whether this member leads still, so that it can take up its work again. */
  tick(leading: boolean): void {
    if (this.#underWay === undefined) return;
    this.#underWay.ticks += 1;
    if (this.#underWay.ticks >= (leading ? 1 : 2) * this.#timeoutTicks) this.end("timed-out");
  }

  /** Somebody leads `term`. */
  leaderSeen(leader: MemberId, term: Term): void {
    if (this.#underWay === undefined || term === this.#underWay.term) return;
    this.end(leader === this.#underWay.to ? "done" : "another-leader");
  }

  end(outcome: TransferOutcome): void {
    if (this.#underWay === undefined) return;
    const { id } = this.#underWay;
    this.#underWay = undefined;
    this.#ended({ kind: "transfer-ended", id, outcome });
  }
}
