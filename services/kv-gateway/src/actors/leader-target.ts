import type { LeaderTracker } from "./leader-tracker";
import type { MemberId } from "./leader-view";
import type { MemberFailure, Targets } from "./reader";

/** Asks the leader and nobody else, for what the others do not know. */
export class LeaderTarget implements Targets {
  constructor(private readonly tracker: LeaderTracker) {}

  choose(): MemberId | undefined {
    return this.tracker.leader?.member;
  }

  failed(member: MemberId, failure: MemberFailure): void {
    const { leader } = this.tracker;
    if (failure.kind === "refused") {
      const { term, leader: named } = failure.refusal;
      if (term > 0) this.tracker.learn({ sender: member, term, leader: named });
    } else if (failure.kind === "absent" && leader?.member === member) this.tracker.doubt(leader);
  }

  answered(): void {
    // Nothing to remember: there is only one to ask.
  }
}
