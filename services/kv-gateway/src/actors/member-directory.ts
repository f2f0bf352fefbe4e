import type { Clock, Timer } from "@quorate/base";
import type { LeaderTracker } from "./leader-tracker";
import type { MemberId } from "./leader-view";
import type { NodeQueries } from "./node-queries";

export interface MemberDirectoryOptions {
  /** The member this gateway stands for, asked first; undefined if none was configured. */
  readonly homeMember: MemberId | undefined;
  /** How often a node is asked for the list, in milliseconds. */
  readonly refreshMs: number;
  /** How long one node is given to answer. */
  readonly answerMs: number;
}

export interface MemberDirectoryDependencies {
  readonly queries: NodeQueries;
  readonly tracker: LeaderTracker;
  readonly clock: Clock;
}

/**
 * Which members there are, as the nodes tell it. Until one has answered, everyone who was heard talking about the leader
 * counts as a voter. It may be out of date: whoever is asked in vain is simply not the one who answers.
 */
export class MemberDirectory {
  #voters: readonly MemberId[] = [];
  #learners: readonly MemberId[] = [];
  #turn = 0;
  #timer: Timer | undefined;
  #closed = false;

  constructor(
    private readonly options: MemberDirectoryOptions,
    private readonly dependencies: MemberDirectoryDependencies,
  ) {
    this.#refresh();
  }

  /** Members that may confirm a linearizable read. Whoever leads is one, also when the list is from before all others were replaced. */
  get voters(): readonly MemberId[] {
    const voters = this.#voters.length > 0 ? this.#voters : this.#heard();
    const leader = this.dependencies.tracker.leader?.member;
    return leader === undefined || voters.includes(leader) ? voters : [...voters, leader];
  }

  /** Voters first, then learners, which answer nothing but serializable reads and their status. */
  get all(): readonly MemberId[] {
    return [...new Set([...this.voters, ...this.#learners])];
  }

  /** As of the last answer; a member that nobody has told of is none. */
  isLearner(member: MemberId): boolean {
    return this.#learners.includes(member);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #refresh(): void {
    const { clock, queries } = this.dependencies;
    const { refreshMs, answerMs, homeMember } = this.options;
    const known = this.#voters.length > 0;
    // Another one each time, so that a single node with an old view cannot keep the list old. And not only those on the
    // list, or one whose members have all been replaced would be kept for ever.
    const candidates = [...new Set([...this.all, ...this.#heard()])];
    const target = candidates[this.#turn % Math.max(1, candidates.length)] ?? homeMember;
    this.#turn += 1;
    this.#timer = clock.setTimer(known ? refreshMs : Math.min(refreshMs, 200), () => this.#refresh());
    if (target === undefined) return;
    queries.status(target, answerMs, (status) => {
      if (this.#closed || status === undefined || status.members.length === 0) return;
      this.#voters = status.members.filter(({ learner }) => !learner).map(({ id }) => id);
      this.#learners = status.members.filter(({ learner }) => learner).map(({ id }) => id);
    });
  }

  #heard(): readonly MemberId[] {
    const heard = [...this.dependencies.tracker.members];
    const { homeMember } = this.options;
    return homeMember === undefined || heard.includes(homeMember) ? heard : [homeMember, ...heard];
  }
}
