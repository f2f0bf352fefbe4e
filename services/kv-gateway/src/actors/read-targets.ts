import type { Clock } from "@quorate/base";
import type { Instant } from "./instant";
import type { LeaderTracker } from "./leader-tracker";
import type { MemberId } from "./leader-view";
import type { MemberDirectory } from "./member-directory";
import type { Targets } from "./reader";

/** "spread": all members in turn. "leader": it answers without asking another one for the index. "home": the own member. */
export type ReadPreference = "spread" | "leader" | "home";

export interface ReadTargetsOptions {
  readonly preference: ReadPreference;
  readonly homeMember: MemberId | undefined;
  /** Learners cannot serve linearizable reads. */
  readonly learners: boolean;
  /** How long a member that did not answer is passed over while there are others, in milliseconds. */
  readonly avoidMs: number;
}

export interface ReadTargetsDependencies {
  readonly directory: MemberDirectory;
  readonly tracker: LeaderTracker;
  readonly clock: Clock;
}

/** Chooses the member to ask. Any choice is correct; a good one is just answered sooner. */
export class ReadTargets implements Targets {
  readonly #avoidedUntil = new Map<MemberId, Instant>();
  #turn = 0;

  constructor(
    private readonly options: ReadTargetsOptions,
    private readonly dependencies: ReadTargetsDependencies,
  ) {}

  /** @param tried Who refused or did not answer this time: asked again only when all were. */
  choose(tried: ReadonlySet<MemberId>): MemberId | undefined {
    const { directory } = this.dependencies;
    const members = this.options.learners ? directory.all : directory.voters;
    if (members.length === 0) return undefined;
    const fresh = members.filter((member) => !tried.has(member));
    const candidates = fresh.length > 0 ? fresh : members;
    const reachable = candidates.filter((member) => !this.#isAvoided(member));
    return this.#prefer(reachable.length > 0 ? reachable : candidates);
  }

  failed(member: MemberId): void {
    this.#avoidedUntil.set(member, this.dependencies.clock.now() + this.options.avoidMs);
  }

  answered(member: MemberId): void {
    if (this.#avoidedUntil.size > 0) this.#avoidedUntil.delete(member);
  }

  #prefer(candidates: readonly MemberId[]): MemberId | undefined {
    const preferred = this.#preferred();
    if (preferred !== undefined && candidates.includes(preferred)) return preferred;
    this.#turn = (this.#turn + 1) >>> 0;
    return candidates[this.#turn % candidates.length];
  }

  #preferred(): MemberId | undefined {
    const { preference, homeMember } = this.options;
    if (preference === "leader") return this.dependencies.tracker.leader?.member;
    return preference === "home" ? homeMember : undefined;
  }

  #isAvoided(member: MemberId): boolean {
    const until = this.#avoidedUntil.get(member);
    return until !== undefined && until > this.dependencies.clock.now();
  }
}
