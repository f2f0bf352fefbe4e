import type { MemberId } from "@quorate/raft";
import type { EffectDigest } from "@quorate/wire";
import type { EffectHistory } from "./effect-history";
import { judgeHashes, type HashVerdict } from "./hash-verdict";

/** Members that stand apart at an index, and what is known of everybody's hash there. */
interface Dispute {
  readonly index: number;
  readonly hashes: Map<MemberId, number>;
  readonly since: number;
}

/**
 * Compares the effect hashes that members report, on the leader. Each reports where it stands, which is another index for each;
 * this member remembers its own hash at every recent index, so it can compare all of them with itself. If one differs, that
 * does not say which of the two is wrong: everybody's hash at that very index is asked for, and the majority decides.
 */
export class EffectComparison {
  readonly #self: MemberId;
  /** What members ahead of this one have reported last. */
  readonly #ahead = new Map<MemberId, EffectDigest>();
  #dispute: Dispute | undefined;

  constructor(
    options: { readonly memberId: MemberId },
    private readonly dependencies: { readonly history: EffectHistory },
  ) {
    this.#self = options.memberId;
  }

  /** When the open dispute began; `undefined` if there is none. */
  get disputedSince(): number | undefined {
    return this.#dispute?.since;
  }

  /** Where members stand apart, for people. */
  get disputedIndex(): number | undefined {
    return this.#dispute?.index;
  }

  /** @returns whether the two agree; `undefined` if that cannot be told (yet). */
  heard(from: MemberId, digest: EffectDigest, now: number): boolean | undefined {
    const { history } = this.dependencies;
    const own = history.at(digest.index);
    if (own === undefined) {
      if (digest.index > history.lastIndex) this.#ahead.set(from, digest);
      return undefined;
    }
    const agrees = own.hash === digest.hash;
    if (!agrees) {
      this.#dispute ??= { index: digest.index, hashes: new Map([[this.#self, own.hash]]), since: now };
    }
    if (this.#dispute?.index === digest.index) this.#dispute.hashes.set(from, digest.hash);
    return agrees;
  }

  /** Reports of members ahead that can be compared by now: to be handed to `heard` again. */
  takeComparable(): readonly (readonly [MemberId, EffectDigest])[] {
    if (this.#ahead.size === 0) return [];
    const ripe = [...this.#ahead].filter(([, { index }]) => index <= this.dependencies.history.lastIndex);
    for (const [member] of ripe) this.#ahead.delete(member);
    return ripe;
  }

  /** Of the open dispute, as far as members have told. */
  judge(voters: readonly MemberId[]): HashVerdict {
    return this.#dispute === undefined ? { kind: "equal" } : judgeHashes(voters, this.#dispute.hashes);
  }

  /** Whom to ask for the hash at which index, for the open dispute. */
  questions(voters: readonly MemberId[]): readonly (readonly [MemberId, number])[] {
    const dispute = this.#dispute;
    if (dispute === undefined) return [];
    return voters.filter((voter) => !dispute.hashes.has(voter)).map((voter) => [voter, dispute.index]);
  }

  /** The dispute is over; one that still stands apart will open another with its next report. */
  close(): void {
    this.#dispute = undefined;
  }

  /** The leadership is over. */
  reset(): void {
    this.#dispute = undefined;
    this.#ahead.clear();
  }
}
