import { EMPTY_BYTES, invariant } from "@quorate/base";
import { isJoint, isSafeStep } from "../configuration/change";
import { entrySize } from "../log/entry-size";
import type { RefusalReason, TransferOutcome } from "../effect";
import type { AppendResponse, Message } from "../message";
import { ReadIndexQueue } from "../read-index";
import type { CompactionHold } from "../snapshot/log-compaction";
import { neededFrom, OutgoingSnapshots } from "../snapshot/outgoing-snapshots";
import type { PeerStatus } from "../status";
import { Rounds } from "../tracker/rounds";
import { Tracker } from "../tracker/tracker";
import type { Configuration, Entry, EntryType, LogIndex, MemberId, StateView, Term } from "../types";
import type { Member } from "./member";
import { isVoter } from "../quorum/quorum";
import { replicate } from "./replicate";
import type { ProposalType, RoleBehaviour, Transitions } from "./role-behaviour";

/** Orders commands, replicates them, decides what is committed, and confirms reads. */
export class LeaderRole implements RoleBehaviour {
  readonly role = "leader";
  readonly #member: Member;
  readonly #transitions: Transitions;
  readonly #tracker: Tracker;
  readonly #reads: ReadIndexQueue;
  readonly #rounds: Rounds;
  readonly #snapshots: OutgoingSnapshots;
  #tick = 0;
  #ticksSinceBeat = 0;
  #beatDue = false;
  #established = false;
  /** Of entries that are not committed, those that former leaders left behind included. */
  #uncommittedBytes: number;
  /** Whether the target of a transfer shall be asked to campaign as soon as it holds everything. */
  #askTransferee = false;

  constructor(member: Member, dependencies: { readonly transitions: Transitions }) {
    const { options, configuration, log } = member;
    this.#member = member;
    this.#transitions = dependencies.transitions;
    this.#uncommittedBytes = log.bytesBetween(log.commit, log.lastIndex);
    const limits = { messagesMax: options.inflightMessagesMax, bytesMax: options.inflightBytesMax };
    const next = (log.lastIndex + 1) as LogIndex;
    this.#tracker = new Tracker(member.id, configuration, limits, next);
    this.#reads = new ReadIndexQueue(options.pendingReadsMax);
    this.#rounds = new Rounds(this.#tick);
    this.#snapshots = new OutgoingSnapshots({ member });
  }

  get leader(): MemberId {
    return this.#member.id;
  }

  get established(): boolean {
    return this.#established;
  }

  get pendingReads(): number {
    return this.#reads.pending;
  }

  get peers(): PeerStatus[] {
    return [...this.#tracker.members].map(([member, { progress, ready, ackedRound }]) => ({
      member,
      state: progress.state,
      match: progress.match,
      next: progress.next,
      paused: !ready,
      inflight: progress.state === "replicate" ? progress.inflights.count : Number(!ready),
      active: this.#rounds.sentSince(ackedRound, this.#oldestTickThatCounts),
    }));
  }

  /** An entry of its own term lets the leader find out what is committed (thesis §6.4, §3.6.2). */
  enter(): void {
    this.#append("empty", EMPTY_BYTES);
  }

  tick(): void {
    this.#tick += 1;
    this.#tracker.tick(this.#tick);
    if (!this.#rounds.sentSince(this.#tracker.quorumActiveRound(), this.#oldestTickThatCounts)) {
      return this.#transitions.follow(this.#member.term, undefined); // check-quorum (thesis §6.2)
    }
    this.#ticksSinceBeat += 1;
    if (this.#ticksSinceBeat >= this.#member.options.heartbeatTicks) this.#beatDue = true;
  }

  receive(from: MemberId, message: Message): void {
    switch (message.kind) {
      case "append":
      case "heartbeat":
      case "install-snapshot":
        return invariant(false, "a term has one leader", { term: this.#member.term, other: from });
      case "append-response":
        return this.#appendAnswered(from, message);
      case "heartbeat-response":
        if (message.needsSnapshot) this.#restore(from);
        this.#tracker.peer(from)?.heartbeatAnswered(this.#member.log.lastIndex);
        return this.#roundAnswered(from, message.round);
      case "read-index":
        if (!this.#reads.addPeer({ member: from, id: message.id }))
          this.#answerRead(from, message.id, undefined);
        return;
      default:
        return; // a vote that was not needed any more
    }
  }

  propose(id: number, expectedTerm: Term, data: Uint8Array, type: ProposalType): void {
    const reason = this.#refusal(expectedTerm, data, type);
    if (reason !== undefined) return this.#member.notice({ kind: "proposal-refused", id, reason });
    const { index, term } = this.#append(type, data);
    this.#member.notice({ kind: "proposed", id, index, term });
  }

  /** Stops taking proposals, lets the target catch up, and asks it to campaign; see `flush`. */
  transferLeadership(id: number, to: MemberId): void {
    const { transfer, configuration, term } = this.#member;
    const ended = (outcome: TransferOutcome): void =>
      this.#member.notice({ kind: "transfer-ended", id, outcome });
    if (to === this.#member.id) return ended("done");
    if (!isVoter(configuration, to)) return ended("not-a-voter");
    if (!this.#established) return ended("not-established");
    if (transfer.to !== undefined) return ended("transferring");
    if (this.#tracker.peer(to)?.progress.state === "snapshot") return ended("not-caught-up");
    transfer.begin(id, to, term);
    this.#askTransferee = true;
  }

  /**
   * The leader goes on to count in the new configuration. One that is not a voter any more has led the change that removed
   * it to its end, and resigns: its followers have been told of the commit before it was applied here.
   */
  reconfigured(from: Configuration): void {
    const { configuration, log, transfer, options } = this.#member;
    invariant(isSafeStep(from, configuration), "majorities of successive configurations overlap");
    const next = (log.lastIndex + 1) as LogIndex;
    const leaveAt = this.#tick + options.electionTimeoutTicks;
    this.#tracker.reconfigure(configuration, next, this.#rounds.current, leaveAt);
    if (!this.#member.isVoter) return this.#resign();
    if (transfer.to !== undefined && !isVoter(configuration, transfer.to)) transfer.end("not-a-voter");
    this.#advanceCommit();
    this.#confirmReads();
  }

  read(id: number): void {
    if (!this.#reads.addOwn(id)) this.#member.failReads([id], "overloaded");
  }

  persisted(): void {
    this.#advanceCommit();
  }

  unreachable(member: MemberId): void {
    this.#tracker.peer(member)?.probe();
  }

  restarted(member: MemberId): void {
    this.#tracker.peer(member)?.restarted((this.#member.log.lastIndex + 1) as LogIndex);
  }

  /** One round for all reads of the turn and the heartbeat, one append per follower for all its new entries. */
  flush(): void {
    if (isJoint(this.#member.configuration) && this.#mayReconfigure) {
      this.#append("configuration", EMPTY_BYTES); // a joint configuration is not meant to last
    }
    const readsBegin = this.#established && this.#reads.waiting;
    if (readsBegin || this.#beatDue) {
      const round = this.#rounds.begin(this.#tick);
      if (readsBegin) this.#reads.begin(round, this.#member.log.commit);
      this.#beat(round);
    }
    for (const [to, peer] of this.#tracker.peers) replicate(this.#member, to, peer, this.#rounds.current);
    this.#snapshots.flush(this.#tracker.members, this.#rounds.current);
    this.#pursueTransfer();
    this.#confirmReads(); // a leader that is a quorum by itself has nobody to wait for
  }

  leave(): void {
    const { own, peers } = this.#reads.drain();
    this.#member.failReads(own, "leader-changed");
    for (const read of peers) this.#answerRead(read.member, read.id, undefined);
    this.#member.log.forgetFetched();
    this.#snapshots.leave();
  }

  snapshotOpened(to: MemberId, transfer: number, at: StateView): void {
    this.#tracker.peer(to)?.snapshotOpened(transfer, at);
  }

  snapshotClosed(to: MemberId, transfer: number): void {
    this.#snapshots.closed(to, transfer);
    const peer = this.#tracker.peer(to);
    if (peer?.progress.state === "snapshot" && peer.progress.transfer === transfer)
      peer.snapshotClosed(this.#member.nextForwardId());
  }

  snapshotInstalled(): void {}

  /** Whoever has answered within an election timeout counts; the others will need a snapshot if they are away for long. */
  get compactionHold(): CompactionHold {
    let hold: CompactionHold = { index: this.#member.log.durable, bySnapshot: false };
    for (const peer of this.#tracker.peers.values()) {
      if (!this.#rounds.sentSince(peer.ackedRound, this.#oldestTickThatCounts)) continue;
      const needed = neededFrom(peer);
      hold = {
        index: Math.min(hold.index, needed.index) as LogIndex,
        bySnapshot: hold.bySnapshot || needed.bySnapshot,
      };
    }
    return hold;
  }

  /** The state of a member is damaged: whatever its log holds, it can go on only from a snapshot. */
  #restore(from: MemberId): void {
    const { log } = this.#member;
    // Any view shows the state at this index or a later one, so that its acknowledgement always settles the need.
    const next = Math.max(log.compacted.index, 1) as LogIndex;
    this.#tracker.peer(from)?.needSnapshot(this.#member.nextForwardId(), next);
  }

  #append(type: EntryType, data: Uint8Array): Entry {
    const { log, term } = this.#member;
    const bare = { term, index: (log.lastIndex + 1) as LogIndex, type, data };
    const entry: Entry = { ...bare, chain: this.#member.chainHash(log.lastChain, bare) };
    log.append(entry);
    this.#uncommittedBytes += entrySize(entry);
    return entry;
  }

  #beat(round: number): void {
    const { term, log } = this.#member;
    for (const [to, peer] of this.#tracker.peers) {
      const commit = Math.min(log.settledCommit, peer.match) as LogIndex;
      this.#member.send(to, { kind: "heartbeat", term, round, commit });
    }
    this.#beatDue = false;
    this.#ticksSinceBeat = 0;
    this.#askTransferee = true; // again with every heartbeat: it may have been lost
  }

  get #oldestTickThatCounts(): number {
    return this.#tick - this.#member.options.electionTimeoutTicks;
  }

  /** Whether a configuration entry may be appended: after an entry of the own term is committed, and one at a time. */
  get #mayReconfigure(): boolean {
    const { log } = this.#member;
    return this.#established && !log.isConfigurationUnapplied(log.lastIndex);
  }

  #refusal(expectedTerm: Term, data: Uint8Array, type: ProposalType): RefusalReason | undefined {
    const { term, options, transfer, configuration } = this.#member;
    if (expectedTerm !== term) return "wrong-term";
    if (transfer.to !== undefined) return "transferring";
    if (type === "configuration") {
      if (!this.#established) return "not-established";
      if (!this.#mayReconfigure || isJoint(configuration)) return "configuration-pending";
    }
    // One command larger than the limit is let through when nothing else waits, or it could never be.
    if (this.#uncommittedBytes > 0 && this.#uncommittedBytes + data.length > options.uncommittedBytesMax)
      return "overloaded";
    return undefined;
  }

  #pursueTransfer(): void {
    const { to } = this.#member.transfer;
    if (to === undefined || !this.#askTransferee) return;
    if (this.#tracker.peer(to)?.holdsAll(this.#member.log.lastIndex) !== true) return;
    this.#member.send(to, { kind: "timeout-now", term: this.#member.term });
    this.#askTransferee = false;
  }

  /** Steps down for somebody who need not wait for an election timeout. */
  #resign(): void {
    const { term } = this.#member;
    const heir = this.#tracker.mostCaughtUpVoter();
    if (heir !== undefined) this.#member.send(heir, { kind: "timeout-now", term });
    this.#transitions.follow(term, undefined);
  }

  #appendAnswered(from: MemberId, message: AppendResponse): void {
    const { log } = this.#member;
    const peer = this.#tracker.peer(from);
    if (peer === undefined) return;
    const { outcome } = message;
    if (outcome.kind === "accepted") {
      invariant(outcome.match <= log.lastIndex, "a member acknowledges only what it was sent", {
        from,
        ...outcome,
      });
      peer.accepted(outcome.match);
      this.#advanceCommit();
    } else {
      const { hint } = outcome;
      // Below the log nothing is known of terms, and nothing can be sent: the peer's own word is enough.
      const isGone = hint.index < log.compacted.index;
      const couldMatch = isGone ? hint.index : log.lastWithTermAtMost(hint.index, hint.term).index;
      peer.rejected(outcome.previous, couldMatch);
    }
    this.#roundAnswered(from, message.round);
  }

  #roundAnswered(from: MemberId, round: number): void {
    invariant(round <= this.#rounds.current, "only rounds that were sent are answered", { from, round });
    this.#tracker.peer(from)?.answeredRound(round);
    this.#confirmReads();
  }

  /**
   * What a quorum holds durably is committed, if it is of this term: an older entry on a quorum can still be overwritten
   * (Raft paper, figure 8); it is committed along with the first own one.
   */
  #advanceCommit(): void {
    const { log, term } = this.#member;
    const match = this.#tracker.quorumMatch(log.durable);
    if (match <= log.commit || log.termAt(match) !== term) return;
    this.#uncommittedBytes -= log.bytesBetween(log.commit, match);
    log.commitTo(match);
    this.#established = true;
  }

  #confirmReads(): void {
    const confirmed = this.#reads.confirm(this.#tracker.quorumRound());
    if (confirmed === undefined) return;
    const { index, reads } = confirmed;
    if (reads.own.length > 0) this.#member.notice({ kind: "read-ready", ids: reads.own, index });
    for (const read of reads.peers) this.#answerRead(read.member, read.id, index);
  }

  #answerRead(to: MemberId, id: number, index: LogIndex | undefined): void {
    this.#member.send(to, { kind: "read-index-response", term: this.#member.term, id, index });
  }
}
