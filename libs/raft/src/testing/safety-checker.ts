import type { RaftEffect } from "../effect";
import type { Envelope } from "../message";
import type { RaftStatus } from "../status";
import type { Configuration, Entry, LogIndex, MemberId, Term } from "../types";
import { describeConfiguration, describeMessage, nameOf } from "./describe";
import { isBackedBy } from "./backed-messages";
import { isQuorum, quorumsMeet } from "./naive-quorum";
import type { SimulatedMember } from "./simulated-member";

/** The properties of Raft paper figure 3, and what this implementation promises beside them. */
export type Rule =
  | "election safety"
  | "leader append-only"
  | "log matching"
  | "leader completeness"
  | "state machine safety"
  | "committed is durable on a quorum"
  | "linearizable reads"
  | "refused is in no log"
  | "one change at a time"
  | "configurations overlap"
  | "committed stays"
  | "revealed is durable"
  | "changes are settled"
  | "liveness"
  | "core invariants";

interface Committed {
  readonly entry: Entry;
  /** The term of the leader that committed it. */
  readonly term: Term;
}

/** Watches a whole cluster from outside, which no member can, and notes every breach of a rule. */
export class SafetyChecker {
  readonly breaches: { readonly rule: Rule; readonly facts: string }[] = [];
  readonly #leaders = new Map<Term, MemberId>();
  /** Each member's log in memory, as its `persist` effects tell it. */
  readonly #logs = new Map<MemberId, Entry[]>();
  readonly #chains = new Map<string, number>();
  readonly #committed: Committed[] = [];
  readonly #appliedChains: number[] = [];
  readonly #applied = new Map<MemberId, LogIndex>();
  readonly #commits = new Map<MemberId, LogIndex>();
  readonly #leading = new Map<MemberId, Term>();
  readonly #refused = new Set<string>();
  readonly #readFloors = new Map<number, LogIndex>();
  #newest: { readonly index: LogIndex; readonly configuration: Configuration };

  constructor(founding: Configuration) {
    this.#newest = { index: 0 as LogIndex, configuration: founding };
  }

  /** The last configuration that anybody has applied, and from which index on it is the one. */
  get newest(): { readonly index: LogIndex; readonly configuration: Configuration } {
    return this.#newest;
  }

  /** The highest index that any leader has committed. */
  get committedIndex(): LogIndex {
    return this.#committed.length as LogIndex;
  }

  get lastCommitted(): Entry | undefined {
    return this.#committed.at(-1)?.entry;
  }

  logOf(member: MemberId): readonly Entry[] {
    return this.#logs.get(member) ?? [];
  }

  #committedUpTo(index: LogIndex): Entry[] {
    if (index > this.committedIndex)
      this.breach("state machine safety", `a snapshot at ${index} is not committed`);
    return this.#committed.slice(0, index).map(({ entry }) => entry);
  }

  breach(rule: Rule, facts: string): void {
    this.breaches.push({ rule, facts });
  }

  /** A member starts with what its disk holds. */
  started(member: SimulatedMember): void {
    this.#logs.set(member.id, [...this.#committedUpTo(member.disk.compacted.index), ...member.disk.entries]);
    this.#applied.set(member.id, member.disk.applied);
    this.#leading.delete(member.id);
  }

  readAsked(id: number): void {
    this.#readFloors.set(id, this.committedIndex);
  }

  commandRefused(data: string): void {
    this.#refused.add(data);
  }

  /** @param effects All effects of one turn of `member`, after which it is as `status` says. */
  observed(
    member: SimulatedMember,
    status: RaftStatus,
    effects: readonly RaftEffect[],
    members: readonly SimulatedMember[],
  ): void {
    const led = this.#leading.get(member.id);
    const { configurationIndex: index, configuration } = member.disk;
    if (index > this.#newest.index) this.#newest = { index, configuration };
    for (const effect of effects) {
      if (effect.kind === "persist") {
        const ledThroughout = status.role === "leader" && led === status.term;
        if (effect.truncateFrom !== undefined && ledThroughout) {
          this.breach("leader append-only", `${nameOf(member.id)} truncates from ${effect.truncateFrom}`);
        }
        if (effect.restart !== undefined && !effect.restart.keepsEntries)
          this.#logs.set(member.id, this.#committedUpTo(effect.restart.snapshot.index));
        this.#persist(member.id, effect.truncateFrom, effect.entries);
      } else if (effect.kind === "install-snapshot") {
        this.#applied.set(member.id, effect.index);
      } else if (effect.kind === "apply") {
        effect.entries.forEach((entry) => this.#apply(member.id, entry));
        this.#settled(member, effect.entries.at(-1)!.index, "applies");
      } else if (effect.kind === "send") {
        effect.envelopes.forEach((envelope) => this.#sent(member, envelope));
      } else if (effect.kind === "read-ready") {
        effect.ids.forEach((id) => this.#readReady(id, effect.index));
      }
    }
    if (status.role !== "leader") {
      this.#taken(member.id, status.commit);
      this.#leading.delete(member.id);
      return;
    }
    if (led !== status.term) this.#elected(member.id, status, members);
    this.#leading.set(member.id, status.term);
    for (let index = this.committedIndex + 1; index <= status.commit; index += 1) {
      this.#commit(member.id, status, index as LogIndex, members);
    }
    const changes = effects.some(
      (effect) =>
        effect.kind === "persist" &&
        effect.entries.some(({ type, term }) => type === "configuration" && term === status.term),
    );
    if (changes) this.#changed(member.id, status);
  }

  #elected(member: MemberId, { term, configuration }: RaftStatus, members: readonly SimulatedMember[]): void {
    const isFor = ({ disk: { hardState } }: SimulatedMember): boolean =>
      hardState.term > term || (hardState.term === term && hardState.vote === member);
    const voters = members.filter(isFor).map(({ id }) => id);
    if (!isQuorum(configuration, voters))
      this.breach(
        "election safety",
        `${nameOf(member)} leads term ${term} by ${voters.length} durable votes`,
      );
    if (!quorumsMeet(configuration, this.#newest.configuration)) {
      this.breach(
        "configurations overlap",
        `${nameOf(member)} is elected by ${describeConfiguration(configuration)}`,
      );
    }
    const other = this.#leaders.get(term);
    if (other !== undefined && other !== member) {
      this.breach("election safety", `${nameOf(other)} and ${nameOf(member)} lead term ${term}`);
    }
    this.#leaders.set(term, member);
    const log = this.logOf(member);
    this.#committed.forEach((committed, at) => {
      if (committed.term < term && log[at]?.chain !== committed.entry.chain) {
        this.breach("leader completeness", `${nameOf(member)} leads term ${term} without entry ${at + 1}`);
      }
    });
  }

  #persist(member: MemberId, truncateFrom: LogIndex | undefined, entries: readonly Entry[]): void {
    const log = this.#logs.get(member)!;
    if (truncateFrom !== undefined) {
      for (
        let index = truncateFrom as number;
        index <= Math.min(log.length, this.committedIndex);
        index += 1
      ) {
        if (log[index - 1]?.chain === this.#committed[index - 1]!.entry.chain)
          this.breach("committed stays", `${nameOf(member)} truncates ${index}, which is committed`);
      }
      log.length = truncateFrom - 1;
    }
    for (const entry of entries) {
      log.push(entry);
      const id = `${entry.index}@${entry.term}`;
      const chain = this.#chains.get(id);
      if (chain !== undefined && chain !== entry.chain)
        this.breach("log matching", `${id} at ${nameOf(member)}`);
      this.#chains.set(id, entry.chain);
      const data = Buffer.from(entry.data).toString();
      if (this.#refused.has(data)) this.breach("refused is in no log", `${data} at ${nameOf(member)}`);
    }
  }

  /** Counts by itself, so that a mistake in the core's counting shows. */
  #commit(
    member: MemberId,
    { term, configuration }: RaftStatus,
    index: LogIndex,
    members: readonly SimulatedMember[],
  ): void {
    const entry = this.logOf(member)[index - 1]!;
    this.#committed.push({ entry, term });
    const holders = members.filter(({ disk }) => disk.holds(index, entry.chain)).map(({ id }) => id);
    if (!isQuorum(configuration, holders))
      this.breach("committed is durable on a quorum", `${index}@${entry.term} is on ${holders.length} disks`);
  }

  /** Whoever does not lead takes for committed only what a leader has committed, and holds that. */
  #taken(member: MemberId, commit: LogIndex): void {
    if (commit === this.#commits.get(member)) return;
    this.#commits.set(member, commit);
    if (commit > 0 && this.logOf(member)[commit - 1]?.chain !== this.#committed[commit - 1]?.entry.chain)
      this.breach("state machine safety", `${nameOf(member)} takes another entry ${commit} for committed`);
  }

  /** A leader changes the membership only after it has committed in its term, and has applied the change before. */
  #changed(member: MemberId, { term, applied }: RaftStatus): void {
    if (!this.#committed.some(({ entry }) => entry.term === term)) {
      this.breach("one change at a time", `${nameOf(member)} changes before a commit in term ${term}`);
    }
    const pending = this.logOf(member).filter(
      ({ type, index }) => type === "configuration" && index > applied,
    );
    if (pending.length > 1) {
      this.breach("one change at a time", `${nameOf(member)} has ${pending.length} at once in term ${term}`);
    }
  }

  #apply(member: MemberId, entry: Entry): void {
    const expected = this.#applied.get(member)! + 1;
    if (entry.index !== expected) {
      this.breach("state machine safety", `${nameOf(member)} applies ${entry.index}, not ${expected}`);
    }
    this.#applied.set(member, entry.index);
    const chain = (this.#appliedChains[entry.index] ??= entry.chain);
    if (chain !== entry.chain) {
      this.breach("state machine safety", `${nameOf(member)} applies another entry ${entry.index}`);
    }
  }

  #sent(member: SimulatedMember, envelope: Envelope): void {
    const { id, disk } = member;
    const { message } = envelope;
    if (!isBackedBy(disk, id, envelope))
      this.breach("revealed is durable", `${nameOf(id)} sends ${describeMessage(message)}`);
    if (message.kind === "append" || message.kind === "heartbeat")
      this.#settled(member, message.commit, "tells");
    else if ((message.kind === "pre-vote" || message.kind === "pre-vote-response") && message.committed)
      this.#settled(member, message.committed.index, "hints");
  }

  /** Nobody may go by a change whose commit the member could forget; one that a snapshot covers is known elsewhere for good. */
  #settled({ id, disk, raft }: SimulatedMember, upTo: LogIndex, what: string): void {
    if (upTo <= disk.settled) return;
    for (const { index, type } of this.logOf(id).slice(Math.max(disk.settled, raft.status().compacted), upTo))
      if (type === "configuration")
        this.breach(
          "changes are settled",
          `${nameOf(id)} ${what} ${upTo}, but may forget the commit of ${index}`,
        );
  }

  #readReady(id: number, index: LogIndex): void {
    const floor = this.#readFloors.get(id)!;
    if (index < floor)
      this.breach("linearizable reads", `read ${id} at ${index}, but ${floor} was committed before`);
  }
}
