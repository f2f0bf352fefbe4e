import { crc32, utf8 } from "@quorate/base";
import type { Event, Revision } from "@quorate/mvcc";
import type { MemberId } from "@quorate/raft";
import type { AppliedPosition } from "@quorate/state-machine";
import { HistoryViolation } from "../checkers/violation";
import type { SimulatedMember } from "./simulated-member";

/** Looks on while a cluster runs: what must hold at every instant, and what has happened so far. */
export class SafetyWatch {
  /** Every event, from whoever applied it first. */
  readonly events: Event[] = [];
  /** When the first member came to each revision. */
  readonly revisionTimes: number[] = [];
  /** When a leader was first seen in each term. */
  readonly leadersSeenAt: number[] = [];
  /** Who was seen leading in which term. */
  readonly #leaders = new Map<number, MemberId>();
  /** Effect hash by applied index, from whoever came there first. */
  readonly #effects = new Map<number, number>();
  #revision = 1 as Revision;
  #compactRevision = -1 as Revision;
  #trace = 0;

  /** @param now On the cluster's clock, in milliseconds. */
  constructor(private readonly now: () => number) {}

  /** The highest that anybody has applied. */
  get revision(): Revision {
    return this.#revision;
  }

  get compactRevision(): Revision {
    return this.#compactRevision;
  }

  /** Terms in which someone led. */
  get terms(): number {
    return this.#leaders.size;
  }

  /** Of everything that was noted. */
  get traceHash(): number {
    return this.#trace;
  }

  note(text: string): void {
    this.#trace = crc32(utf8(text), this.#trace);
  }

  /** Election safety: at most one leader in each term, for all time. */
  leaders(members: readonly SimulatedMember[]): void {
    for (const member of members) {
      const status = member.node?.status();
      if (status === undefined || status.leader !== member.id) continue;
      const known = this.#leaders.get(status.term);
      if (known !== undefined && known !== member.id)
        throw new HistoryViolation(`two leaders in term ${status.term}`);
      if (known === undefined) this.leadersSeenAt.push(this.now());
      this.#leaders.set(status.term, member.id);
    }
  }

  /**
   * State machine safety: whoever applied an index has the same effects up to it.
   *
   * @param events Those after a revision.
   */
  applied(
    { name }: SimulatedMember,
    position: AppliedPosition,
    events: (from: Revision) => Iterable<Event>,
  ): void {
    const { index, revision, compactRevision, effectHash } = position;
    if (revision > this.#revision) {
      this.events.push(...events((this.#revision + 1) as Revision));
      this.#revision = revision;
    }
    if (compactRevision > this.#compactRevision) this.#compactRevision = compactRevision;
    const known = this.#effects.get(index);
    if (known !== undefined && known !== effectHash)
      throw new HistoryViolation(`${name} differs from another member at index ${index}`);
    this.#effects.set(index, effectHash);
    for (let at = this.revisionTimes.length; at <= revision; at += 1) this.revisionTimes.push(this.now());
    this.note(`${name} ${index} ${effectHash} ${this.now()}`);
  }
}
