import { invariant } from "@quorate/base";
import { ForwardedReads } from "../forwarded-reads";
import type { AppendMessage, InstallSnapshotMessage, Message } from "../message";
import type { IncomingSnapshot } from "../snapshot/incoming-snapshot";
import { NO_HOLD } from "../snapshot/log-compaction";
import type { LogIndex, MemberId } from "../types";
import { appendEntries } from "./append-entries";
import type { Member } from "./member";
import type { RoleBehaviour, Transitions } from "./role-behaviour";

type Heartbeat = Extract<Message, { kind: "heartbeat" }>;

/** Follows the leader's log, or waits for a leader. */
export class FollowerRole implements RoleBehaviour {
  readonly role = "follower";
  readonly established = false;
  readonly peers = [];
  readonly compactionHold = NO_HOLD;
  readonly #member: Member;
  readonly #transitions: Transitions;
  readonly #reads: ForwardedReads;
  readonly #incoming: IncomingSnapshot;
  readonly #onDamage: () => void;
  #leader: MemberId | undefined;
  #campaignWhenApplied = false;

  constructor(
    member: Member,
    leader: MemberId | undefined,
    dependencies: {
      readonly transitions: Transitions;
      readonly incoming: IncomingSnapshot;
      readonly onDamage: () => void;
    },
  ) {
    this.#member = member;
    this.#leader = leader;
    this.#transitions = dependencies.transitions;
    this.#incoming = dependencies.incoming;
    this.#onDamage = dependencies.onDamage;
    const { pendingReadsMax, electionTimeoutTicks } = member.options;
    const limits = { pendingMax: pendingReadsMax, timeoutTicks: electionTimeoutTicks };
    this.#reads = new ForwardedReads(limits, { nextId: () => member.nextForwardId() });
  }

  get leader(): MemberId | undefined {
    return this.#leader;
  }

  get pendingReads(): number {
    return this.#reads.pending;
  }

  enter(): void {
    this.#member.timer.restart();
  }

  tick(): void {
    const { timer } = this.#member;
    timer.tick();
    this.#member.failReads(this.#reads.tick(), "no-leader");
    if (!timer.expired) return;
    if (this.#member.mayCampaign) return this.#transitions.preCampaign();
    timer.restart();
    // A learner whose leader is gone, or a member that was removed, must not go on naming it: others go by that.
    if (this.#leader !== undefined) this.#transitions.follow(this.#member.term, undefined);
  }

  receive(from: MemberId, message: Message): void {
    switch (message.kind) {
      case "append":
        return this.#append(from, message);
      case "heartbeat":
        return this.#heartbeat(from, message);
      case "install-snapshot":
        return this.#offered(from, message);
      case "read-index":
        return this.#member.send(from, {
          kind: "read-index-response",
          term: this.#member.term,
          id: message.id,
          index: undefined,
        });
      case "read-index-response":
        return this.#readAnswered(message.id, message.index);
      case "timeout-now":
        return this.#timeoutNow();
      default:
        return; // an answer to a role that is over
    }
  }

  propose(id: number): void {
    this.#member.notice({ kind: "proposal-refused", id, reason: "not-leader" });
  }

  transferLeadership(id: number): void {
    this.#member.notice({ kind: "transfer-ended", id, outcome: "not-leader" });
  }

  read(id: number): void {
    if (this.#leader === undefined || this.#member.repair.active) this.#member.failReads([id], "no-leader");
    else if (!this.#reads.add(id)) this.#member.failReads([id], "overloaded");
  }

  persisted(): void {}

  reconfigured(): void {
    if (this.#campaignWhenApplied && this.#member.mayCampaign) this.#transitions.campaign(true);
  }

  unreachable(): void {}

  restarted(): void {}

  snapshotOpened(): void {}

  snapshotClosed(): void {}

  /** Whoever leads now learns that entries can be sent again. */
  snapshotInstalled(index: LogIndex): void {
    if (this.#leader !== undefined) this.#accept(this.#leader, 0, index);
  }

  flush(): void {
    if (this.#leader === undefined) return;
    const id = this.#reads.begin();
    if (id !== undefined)
      this.#member.send(this.#leader, { kind: "read-index", term: this.#member.term, id });
  }

  leave(): void {
    this.#member.failReads(this.#reads.drain(), "leader-changed");
  }

  #append(from: MemberId, message: AppendMessage): void {
    this.#heard(from);
    const outcome = appendEntries(this.#member, message);
    if (outcome.kind === "damaged") return this.#onDamage();
    if (outcome.kind === "accepted") return this.#accept(from, message.round, outcome.match);
    const { term } = this.#member;
    this.#member.send(from, { kind: "append-response", term, round: message.round, outcome });
  }

  #offered(from: MemberId, message: InstallSnapshotMessage): void {
    this.#heard(from);
    const match = this.#incoming.offered(from, message);
    if (match !== undefined) this.#accept(from, message.round, match);
  }

  #accept(leader: MemberId, round: number, match: LogIndex): void {
    const { term } = this.#member;
    const outcome = { kind: "accepted", match } as const;
    this.#member.sendClaiming(leader, { kind: "append-response", term, round, outcome }, match);
  }

  #heartbeat(from: MemberId, message: Heartbeat): void {
    this.#heard(from);
    const { log, term, repair } = this.#member;
    // A heartbeat's commit index is at most what this member has acknowledged in this term, in this start or an earlier one. If
    // the log ends before that, it has lost entries: of this term, or of earlier ones that the leader's own follow.
    const lost = { term, index: message.commit };
    if (lost.index > log.lastIndex && repair.notice(lost))
      this.#member.notice({ kind: "loss-noticed", lost });
    const commit = Math.min(message.commit, log.lastIndex) as LogIndex;
    if (commit > log.commit) log.commitTo(commit);
    const needsSnapshot = this.#incoming.isNeeded;
    this.#member.send(from, { kind: "heartbeat-response", term, round: message.round, needsSnapshot });
  }

  /** A leader that removes itself asks when it has applied that; this member may be about to. A snapshot takes too long. */
  #timeoutNow(): void {
    if (this.#member.mayCampaign) return this.#transitions.campaign(true);
    this.#campaignWhenApplied = this.#member.mayLead;
  }

  #heard(from: MemberId): void {
    this.#leader ??= from;
    invariant(this.#leader === from, "a term has one leader", {
      term: this.#member.term,
      leader: this.#leader,
      from,
    });
    this.#member.timer.leaderHeard();
  }

  #readAnswered(id: number, index: LogIndex | undefined): void {
    const ids = this.#reads.answered(id);
    if (ids.length === 0) return;
    if (index === undefined) this.#member.failReads(ids, "leader-changed");
    else this.#member.notice({ kind: "read-ready", ids, index });
  }
}
