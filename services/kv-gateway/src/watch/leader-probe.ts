import type { Clock, Timer } from "@quorate/base";
import type { LeaderTracker } from "../actors/leader-tracker";
import type { NodeQueries } from "../actors/node-queries";

/**
 * Asks the leader now and then whether it still is the leader, as long as somebody wants to know. Requests find that out by
 * themselves; a gateway that only serves watches would go on believing in a leader that died without a word.
 */
export class LeaderProbe {
  #timer: Timer | undefined;
  #users = 0;

  constructor(
    private readonly options: { readonly intervalMs: number },
    private readonly dependencies: {
      readonly clock: Clock;
      readonly tracker: LeaderTracker;
      readonly queries: NodeQueries;
    },
  ) {}

  acquire(): void {
    this.#users += 1;
    if (this.#users === 1) this.#later();
  }

  release(): void {
    this.#users -= 1;
    if (this.#users === 0) this.#timer?.cancel();
  }

  #later(): void {
    this.#timer = this.dependencies.clock.setTimer(this.options.intervalMs, () => this.#probe());
  }

  #probe(): void {
    this.#later();
    const { tracker, queries } = this.dependencies;
    const { leader } = tracker;
    if (leader === undefined) return;
    queries.status(leader.member, this.options.intervalMs, (status) => {
      if (status === undefined) tracker.doubt(leader);
      else tracker.learn({ sender: status.memberId, term: status.term, leader: status.leader });
    });
  }
}
