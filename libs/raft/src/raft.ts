import { assertNever, invariant, type Prng } from "@quorate/base";
import { Applier } from "./applier";
import type { ChainHash } from "./chain-hash";
import type { RaftEffect } from "./effect";
import type { RaftInput } from "./input";
import type { CommittedHint, Message } from "./message";
import { checkOptions, type RaftOptions } from "./options";
import { CandidateRole } from "./roles/candidate";
import { FollowerRole } from "./roles/follower";
import { LeaderRole } from "./roles/leader";
import { Member } from "./roles/member";
import type { RoleBehaviour, Transitions } from "./roles/role-behaviour";
import { answerPreVote, answerVote, isSticky } from "./roles/votes";
import { IncomingSnapshot } from "./snapshot/incoming-snapshot";
import { LogCompaction } from "./snapshot/log-compaction";
import type { RaftStart } from "./start";
import type { RaftStatus } from "./status";
import type { Configuration, MemberId, Term } from "./types";

type Leadership = Extract<RaftEffect, { kind: "leadership" }>;

/**
 * The consensus core of one member: a state machine without clock, randomness of its own or I/O. Inputs are stepped one
 * by one, and `takeEffects` says what to do about all of them: call it once per turn of the loop that feeds it. The same
 * inputs give the same effects.
 *
 * An {@link InvariantError} from any method means that this member must stop for good: its state may be wrong.
 */
export class Raft {
  readonly #member: Member;
  readonly #applier: Applier;
  readonly #incoming: IncomingSnapshot;
  readonly #compaction: LogCompaction;
  readonly #transitions: Transitions;
  /** The highest number of starts seen of each member. */
  readonly #incarnations = new Map<MemberId, number>();
  #role: RoleBehaviour;
  #told: Leadership;
  #damagedAppends = 0;

  constructor(
    options: RaftOptions,
    start: RaftStart,
    dependencies: { readonly prng: Prng; readonly chainHash: ChainHash },
  ) {
    checkOptions(options);
    this.#member = new Member(options, start, dependencies);
    this.#applier = new Applier(options, start.applied, { log: this.#member.log });
    this.#incoming = new IncomingSnapshot({ member: this.#member, applier: this.#applier });
    this.#compaction = new LogCompaction({ member: this.#member });
    this.#transitions = {
      follow: (term, leader) => this.#follow(term, leader),
      preCampaign: () => this.#become(this.#newCandidate("pre-candidate", false)),
      campaign: (transfer) => this.#campaign(transfer),
      lead: () => {
        this.#incoming.abandon();
        this.#become(new LeaderRole(this.#member, { transitions: this.#transitions }));
      },
    };
    this.#role = this.#newFollower(undefined);
    this.#told = this.#leadership();
  }

  /** Handles one input to its end. */
  step(input: RaftInput): void {
    switch (input.kind) {
      case "tick":
        this.#member.log.retryFetches();
        this.#role.tick();
        this.#member.transfer.tick(this.#role.role === "leader");
        break;
      case "receive":
        this.#receive(input.from, input.incarnation, input.message);
        break;
      case "propose":
        this.#role.propose(input.id, input.expectedTerm, input.data, "command");
        break;
      case "propose-configuration":
        invariant(input.data.length > 0, "an empty configuration entry is the leader's own");
        this.#role.propose(input.id, input.expectedTerm, input.data, "configuration");
        break;
      case "transfer-leadership":
        this.#role.transferLeadership(input.id, input.to);
        break;
      case "read-index":
        this.#role.read(input.id);
        break;
      case "persisted":
        this.#member.persisted(input.id);
        this.#role.persisted();
        this.#incoming.persisted();
        break;
      case "applied":
        this.#applier.report(input.index);
        this.#member.log.applied(input.index);
        if (input.configuration !== undefined) this.#reconfigure(input.configuration);
        break;
      case "applied-durably":
        this.#compaction.appliedDurably(input.index, this.#role.compactionHold);
        break;
      case "compacted":
        this.#member.log.compactTo(input.at, input.chain);
        break;
      case "snapshot-opened":
        this.#role.snapshotOpened(input.to, input.transfer, input.at);
        break;
      case "snapshot-closed":
        this.#role.snapshotClosed(input.to, input.transfer);
        break;
      case "snapshot-staged":
        this.#incoming.staged(input.transfer, this.#role.role === "follower");
        break;
      case "snapshot-failed":
        this.#incoming.failed(input.transfer);
        break;
      case "snapshot-installed":
        this.#reconfigure(this.#incoming.installed(input.index));
        this.#role.snapshotInstalled(input.index);
        break;
      case "fetched":
        this.#member.log.fetched(input.from, input.entries);
        break;
      case "unreachable":
        this.#role.unreachable(input.member);
        break;
      default:
        assertNever(input);
    }
    this.#tellLeadership();
  }

  /** What to do about the inputs since the last call, in the order to do it. Empty if nothing is. */
  takeEffects(): readonly RaftEffect[] {
    this.#role.flush();
    const effects = this.#member.takeEffects();
    const apply = this.#applier.take();
    if (apply !== undefined) effects.push(apply);
    effects.push(...this.#member.log.takeFetches());
    this.#member.log.evict(this.#applier.applied);
    return effects;
  }

  status(): RaftStatus {
    const { id, term, vote, log, configuration } = this.#member;
    return {
      memberId: id,
      role: this.#role.role,
      term,
      vote,
      leader: this.#role.leader,
      established: this.#role.established,
      last: log.lastId,
      compacted: log.compacted.index,
      durable: log.durable,
      commit: log.commit,
      applied: this.#applier.applied,
      stateIsWhole: this.#member.stateIsWhole,
      repairUntil: this.#member.repair.until,
      configuration,
      transferee: this.#member.transfer.to,
      pendingReads: this.#role.pendingReads,
      damagedAppends: this.#damagedAppends,
      peers: this.#role.peers,
    };
  }

  #receive(from: MemberId, incarnation: number, message: Message): void {
    const known = this.#incarnations.get(from) ?? 0;
    if (incarnation < known) return; // said before its last crash: it may not hold any more
    if (incarnation > known) {
      this.#incarnations.set(from, incarnation);
      if (known > 0) this.#role.restarted(from);
    }

    if (message.kind === "pre-vote" || message.kind === "pre-vote-response") this.#learn(message.committed);
    // A pre-vote and its grant speak of a term that nobody has entered.
    if (message.kind === "pre-vote") return answerPreVote(this.#member, this.#role, from, message);
    if (message.kind === "pre-vote-response" && message.granted) {
      if (message.term === this.#member.term + 1) this.#role.receive(from, message);
      return;
    }

    // Of another term it is late, or from a leader whose log this member cannot hold.
    if (message.kind === "timeout-now" && message.term !== this.#member.term) return;

    if (message.term < this.#member.term) return this.#answerOutdated(from, message);
    const fromLeader = isFromLeader(message);
    if (message.term > this.#member.term) {
      if (message.kind === "vote" && !message.transfer && isSticky(this.#member, this.#role)) return;
      this.#follow(message.term, fromLeader ? from : undefined);
    } else if (fromLeader && (this.#role.role === "candidate" || this.#role.role === "pre-candidate")) {
      this.#follow(message.term, from);
    }
    if (message.kind === "vote") answerVote(this.#member, this.#role, from, message);
    else this.#role.receive(from, message);
  }

  /** What others know to be committed; a leader finds out by itself. A campaign that it shows to be outdated is given up. */
  #learn(committed: CommittedHint): void {
    if (committed === undefined || this.#role.role === "leader") return;
    this.#member.learnCommitted(committed);
    if (this.#role.role !== "follower" && !this.#member.mayCampaign)
      this.#follow(this.#member.term, undefined);
  }

  /**
   * A message of an older term changes nothing here, but its sender learns the term: a deposed leader resigns, and a member
   * stuck in an old term is freed. A vote request is not answered: its sender may be a candidate of this term by now and
   * would count the refusal. It will find out when it asks for pre-votes again.
   */
  #answerOutdated(from: MemberId, message: Message): void {
    const { term } = this.#member;
    switch (message.kind) {
      case "append":
      case "heartbeat":
      case "install-snapshot":
        // Its round is of the older term: the sender may lead this one by now and count rounds of its own.
        return this.#member.send(from, { kind: "heartbeat-response", term, round: 0, needsSnapshot: false });
      case "read-index":
        return this.#member.send(from, {
          kind: "read-index-response",
          term,
          id: message.id,
          index: undefined,
        });
      default:
        return;
    }
  }

  #follow(term: Term, leader: MemberId | undefined): void {
    const { timer } = this.#member;
    if (term > this.#member.term) this.#member.enterTerm(term, undefined);
    if (leader === undefined) timer.leaderGone();
    else timer.leaderHeard();
    this.#become(this.#newFollower(leader));
  }

  #campaign(transfer: boolean): void {
    this.#member.enterTerm((this.#member.term + 1) as Term, this.#member.id);
    this.#become(this.#newCandidate("candidate", transfer));
  }

  #reconfigure(configuration: Configuration): void {
    const from = this.#member.configuration;
    this.#member.reconfigure(configuration);
    this.#role.reconfigured(from);
  }

  #newCandidate(role: "pre-candidate" | "candidate", transfer: boolean): CandidateRole {
    return new CandidateRole(role, this.#member, transfer, { transitions: this.#transitions });
  }

  #newFollower(leader: MemberId | undefined): FollowerRole {
    const onDamage = (): void => void (this.#damagedAppends += 1);
    return new FollowerRole(this.#member, leader, {
      transitions: this.#transitions,
      incoming: this.#incoming,
      onDamage,
    });
  }

  #become(role: RoleBehaviour): void {
    this.#role.leave();
    this.#role = role;
    role.enter();
  }

  #leadership(): Leadership {
    const { role, leader, established } = this.#role;
    return { kind: "leadership", role, term: this.#member.term, leader, established };
  }

  #tellLeadership(): void {
    const { role, leader, established } = this.#role;
    const told = this.#told;
    if (
      role === told.role &&
      leader === told.leader &&
      established === told.established &&
      this.#member.term === told.term
    ) {
      return;
    }
    this.#told = this.#leadership();
    this.#member.notice(this.#told);
    if (leader !== undefined) this.#member.transfer.leaderSeen(leader, this.#member.term);
  }
}

function isFromLeader({ kind }: Message): boolean {
  return kind === "append" || kind === "heartbeat" || kind === "install-snapshot";
}
