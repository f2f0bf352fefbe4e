import type { LeaderNotice } from "@quorate/wire";

export type MemberId = LeaderNotice["sender"];
export type Term = LeaderNotice["term"];

/** Who leads in the eyes of one node. */
export type LeaderBelief = Pick<LeaderNotice, "sender" | "term" | "leader">;

export interface LeaderAt {
  readonly member: MemberId;
  readonly term: Term;
}

/**
 * Puts the beliefs of all nodes together.
 *
 * The leader is the one that is named for the highest term, unless a node has seen a later term without a leader (an
 * election is going on), or the named node itself believes otherwise (it stepped down). A wrong answer costs a refusal:
 * each proposal names the term it is meant for, and a node takes it only if it leads exactly that term.
 */
export class LeaderView {
  readonly #beliefs = new Map<MemberId, LeaderBelief>();
  #leader: LeaderAt | undefined;

  get leader(): LeaderAt | undefined {
    return this.#leader;
  }

  /** Everyone who was ever heard. */
  get members(): Iterable<MemberId> {
    return this.#beliefs.keys();
  }

  /**
   * A belief of an older term than the sender's last is late. But for one in place of a belief without a leader: a member that asks for
   * votes tells of its new term before that is durable, and may have been started anew without it.
   *
   * @returns whether the leader, or its term, is another one now.
   */
  learn(belief: LeaderBelief): boolean {
    const known = this.#beliefs.get(belief.sender);
    if (known?.leader !== undefined && known.term > belief.term) return false;
    this.#beliefs.set(belief.sender, belief);
    return this.#update();
  }

  /** Nobody answers for `suspect`: forget who named it, so that only fresh news can bring it back. */
  doubt(suspect: LeaderAt): boolean {
    for (const belief of [...this.#beliefs.values()]) {
      if (belief.leader === suspect.member && belief.term <= suspect.term) {
        this.#beliefs.set(belief.sender, { ...belief, leader: undefined });
      }
    }
    return this.#update();
  }

  #update(): boolean {
    const before = this.#leader;
    this.#leader = this.#newest();
    return before?.member !== this.#leader?.member || before?.term !== this.#leader?.term;
  }

  #newest(): LeaderAt | undefined {
    let newest: LeaderAt | undefined;
    let highestTerm = 0;
    for (const { term, leader } of this.#beliefs.values()) {
      highestTerm = Math.max(highestTerm, term);
      if (leader !== undefined && (newest === undefined || term > newest.term))
        newest = { member: leader, term };
    }
    if (newest === undefined || newest.term < highestTerm) return undefined;
    const own = this.#beliefs.get(newest.member);
    const steppedDown = own !== undefined && own.term >= newest.term && own.leader !== newest.member;
    return steppedDown ? undefined : newest;
  }
}
