import { invariant, type Prng } from "@quorate/base";
import type { ChainHash } from "../chain-hash";
import type { LogRestart, RaftEffect } from "../effect";
import { RaftLog } from "../log/raft-log";
import type { Message } from "../message";
import type { RaftOptions } from "../options";
import { Outbox } from "../outbox";
import { Persistence } from "../persistence";
import { isVoter } from "../quorum/quorum";
import type { RaftStart } from "../start";
import type { Configuration, EntryId, HardState, LogIndex, MemberId, Term } from "../types";
import { ElectionTimer } from "./election-timer";
import { Repair } from "./repair";
import { LeadershipTransfer } from "./transfer";

/** What a member is and holds in any role: identity, term and vote, log, and the ways out. */
export class Member {
  readonly options: RaftOptions;
  readonly chainHash: ChainHash;
  readonly log: RaftLog;
  readonly timer: ElectionTimer;
  readonly transfer: LeadershipTransfer;
  readonly repair: Repair;
  /** Whether the applied state is whole; while it is not, this member does not campaign. */
  stateIsWhole: boolean;
  readonly #persistence: Persistence;
  readonly #outbox: Outbox;
  #configuration: Configuration;
  #term: Term;
  #vote: MemberId | undefined;
  #notices: RaftEffect[] = [];
  #nextForwardId: number;

  constructor(
    options: RaftOptions,
    start: RaftStart,
    dependencies: { readonly prng: Prng; readonly chainHash: ChainHash },
  ) {
    const last = start.tail[start.tail.length - 1]?.index ?? start.compacted.index;
    this.options = options;
    this.#configuration = start.configuration;
    this.chainHash = dependencies.chainHash;
    this.timer = new ElectionTimer(options.electionTimeoutTicks, dependencies);
    this.transfer = new LeadershipTransfer(options.electionTimeoutTicks, {
      ended: (effect) => this.notice(effect),
    });
    this.#persistence = new Persistence(last, start.hardState);
    this.#outbox = new Outbox({ persistence: this.#persistence });
    const logOptions = { cacheBytesMax: options.cacheBytesMax, fetchBytesMax: options.appendBytesMax };
    this.log = new RaftLog(logOptions, start, { persistence: this.#persistence });
    this.repair = new Repair(start.repairUntil, start.applied);
    this.stateIsWhole = start.applied >= start.compacted.index;
    this.#term = start.hardState.term;
    this.#vote = start.hardState.vote;
    invariant(this.log.lastTerm <= this.#term, "the term is at least that of the last entry");
    // A random beginning, so that numbers do not repeat after a restart within a term (see ForwardedReads).
    this.#nextForwardId = (dependencies.prng.next() & 0xf_ffff) * 0x1_0000_0000 + dependencies.prng.next();
  }

  get id(): MemberId {
    return this.options.memberId;
  }

  get term(): Term {
    return this.#term;
  }

  get vote(): MemberId | undefined {
    return this.#vote;
  }

  /** The one that is applied: what every majority is counted in. */
  get configuration(): Configuration {
    return this.#configuration;
  }

  get isVoter(): boolean {
    return isVoter(this.configuration, this.id);
  }

  /**
   * Whether it may ask for votes: only a voter with a whole state, because a leader must be able to apply what it commits, with
   * a log that has lost nothing, and with a configuration that is not known to be outdated. One that is committed but not applied may have other voters, and an
   * election in the old one could win against a leader of the new one.
   */
  get mayCampaign(): boolean {
    return this.mayLead && !this.log.isConfigurationUnapplied(this.log.commit);
  }

  /** Whether it could lead once it has applied what is committed. */
  get mayLead(): boolean {
    return this.isVoter && this.stateIsWhole && !this.repair.active;
  }

  /** Whether a candidate whose log ends in `last` holds all that this member has, or had. */
  isUpToDate(last: EntryId): boolean {
    return this.log.isUpToDate(last) && this.repair.permits(last);
  }

  /** What the state machine made of configuration entries. */
  reconfigure(configuration: Configuration): void {
    invariant(configuration.incoming.length > 0, "somebody has a vote");
    this.#configuration = configuration;
  }

  /** Whether the present term and vote would survive a crash. */
  get hardStateDurable(): boolean {
    return this.#persistence.hardStateId <= this.#persistence.persistedId;
  }

  nextForwardId(): number {
    return (this.#nextForwardId += 1);
  }

  /** Enters a newer term, with a vote in it for a start or none. */
  enterTerm(term: Term, vote: MemberId | undefined): void {
    invariant(term > this.#term, "the term never falls", { from: this.#term, to: term });
    invariant(Number.isSafeInteger(term), "a term is at most 2^53-1", { term });
    this.#term = term;
    this.#vote = vote;
    this.#persistence.hardStateChanged();
  }

  grantVote(candidate: MemberId): void {
    if (this.#vote === candidate) return;
    invariant(this.#vote === undefined, "a member votes once per term", {
      term: this.#term,
      vote: this.#vote,
    });
    this.#vote = candidate;
    this.#persistence.hardStateChanged();
  }

  send(to: MemberId, message: Message): void {
    this.#outbox.send(to, this.#term, message);
  }

  /** Sends a message that says that the log is held up to `claims`, once that is durable. */
  sendClaiming(to: MemberId, message: Message, claims: LogIndex): void {
    this.#outbox.sendClaiming(to, this.#term, message, claims);
  }

  /** Another member knows `id` to be committed; so is all that this log holds up to there, if it agrees on that entry. */
  learnCommitted(id: EntryId): void {
    if (id.index > this.log.commit && this.log.contains(id)) this.log.commitTo(id.index);
  }

  truncateFrom(index: LogIndex, chainBefore: number): void {
    this.log.truncateFrom(index, chainBefore);
  }

  /**
   * Begins the log behind a snapshot. @returns The write after which that is durable; what was gathered before leaves in one of
   * its own.
   */
  restartLog(restart: LogRestart): number {
    const { snapshot, keepsEntries } = restart;
    this.#takePersist(this.#notices);
    this.#persistence.restart(restart);
    if (keepsEntries) {
      this.log.commitTo(Math.max(this.log.commit, snapshot.index) as LogIndex);
      this.log.compactTo(snapshot, snapshot.chain);
    } else {
      this.log.restart(snapshot);
    }
    return this.#persistence.latestId;
  }

  isDurable(writeId: number): boolean {
    return writeId <= this.#persistence.persistedId;
  }

  persisted(id: number): void {
    this.#persistence.complete(id);
    const { log } = this;
    // The beginning of a log that begins anew may not be durable yet.
    if (!this.repair.active || log.durable < log.compacted.index) return;
    const last = { term: log.termAt(log.durable), index: log.durable };
    const committed = this.repair.durable(last);
    if (committed === undefined) return;
    if (committed > log.commit) log.commitTo(committed);
    this.notice({ kind: "repaired", last });
  }

  /** Tells the shell a fact; facts keep the order in which they came about. */
  notice(effect: RaftEffect): void {
    this.#notices.push(effect);
  }

  failReads(ids: readonly number[], reason: "no-leader" | "leader-changed" | "overloaded"): void {
    if (ids.length > 0) this.notice({ kind: "read-failed", ids, reason });
  }

  /** Everything that the turn has gathered except what is applied and fetched. */
  takeEffects(): RaftEffect[] {
    const effects = this.#notices;
    this.#notices = [];
    this.#takePersist(effects);
    const envelopes = this.#outbox.take(this.#term);
    if (envelopes.length > 0) effects.push({ kind: "send", envelopes });
    return effects;
  }
  #takePersist(effects: RaftEffect[]): void {
    const hardState: HardState = { term: this.#term, vote: this.#vote, commit: this.log.commit };
    const persist = this.#persistence.take(hardState);
    if (persist !== undefined) effects.push(persist);
  }
}
