import type { Configuration, MemberId } from "@quorate/raft";

export interface RetirementDependencies {
  /** Asks a member whether it knows that this one was removed; the answer comes as `told`. */
  readonly ask: (member: MemberId) => void;
  /** Nobody needs this member any more. Called once at the most. */
  readonly retire: (why: string) => void;
}

/**
 * When a removed member may end. Not as soon as it knows of its removal: a configuration counts from where it is *applied*,
 * and members that have not come so far, or that lost it in a crash, still need its vote to elect a leader. So it goes on
 * voting until a majority of those who decide without it have applied its removal, and asks them until then.
 */
export class Retirement {
  readonly #memberId: MemberId;
  readonly #toldBy = new Set<MemberId>();
  #voters: readonly MemberId[] = [];
  #removed = false;
  #retired = false;

  constructor(
    options: { readonly memberId: MemberId },
    private readonly dependencies: RetirementDependencies,
  ) {
    this.#memberId = options.memberId;
  }

  /** @param removed Whether it says that this member is none any more. */
  configurationApplied(configuration: Configuration, removed: boolean): void {
    this.#voters = configuration.incoming.filter((id) => id !== this.#memberId);
    this.#removed = removed;
    this.tick();
  }

  /** `by` has applied the removal of this member. */
  told(by: MemberId): void {
    this.#toldBy.add(by);
    const tellers = this.#voters.filter((id) => this.#toldBy.has(id)).length;
    if (this.#retired || tellers * 2 <= this.#voters.length) return;
    this.#retired = true;
    this.dependencies.retire(`${tellers} of ${this.#voters.length} other voters have applied its removal`);
  }

  tick(): void {
    if (!this.#removed || this.#retired) return;
    for (const voter of this.#voters) if (!this.#toldBy.has(voter)) this.dependencies.ask(voter);
  }
}
