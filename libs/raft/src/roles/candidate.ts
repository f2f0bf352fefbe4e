import type { Message } from "../message";
import { NO_HOLD } from "../snapshot/log-compaction";
import { voteResult, votersOf } from "../quorum/quorum";
import type { MemberId, Term } from "../types";
import type { Member } from "./member";
import type { RoleBehaviour, Transitions } from "./role-behaviour";

/**
 * Asks for votes. As "pre-candidate" (thesis §9.6) it first asks whether it *would* get them, in its present term: a
 * member that cannot win disturbs nobody.
 */
export class CandidateRole implements RoleBehaviour {
  readonly role: "pre-candidate" | "candidate";
  readonly leader = undefined;
  readonly established = false;
  readonly pendingReads = 0;
  readonly peers = [];
  readonly compactionHold = NO_HOLD;
  readonly #member: Member;
  readonly #transitions: Transitions;
  /** The leader asked for this campaign, so its followers need not stand by it. */
  readonly #transfer: boolean;
  readonly #votes = new Map<MemberId, boolean>();

  constructor(
    role: "pre-candidate" | "candidate",
    member: Member,
    transfer: boolean,
    dependencies: { readonly transitions: Transitions },
  ) {
    this.role = role;
    this.#transfer = transfer;
    this.#member = member;
    this.#transitions = dependencies.transitions;
  }

  enter(): void {
    const { term, log, configuration, id } = this.#member;
    this.#member.timer.restart();
    const last = log.lastId;
    for (const voter of votersOf(configuration)) {
      if (voter === id) continue;
      if (this.role === "candidate")
        this.#member.send(voter, { kind: "vote", term, last, transfer: this.#transfer });
      else
        this.#member.send(voter, {
          kind: "pre-vote",
          term: (term + 1) as Term,
          last,
          committed: log.settledCommitId,
        });
    }
    // A pre-vote promises nothing; a real vote for oneself counts when it is durable, like anyone's.
    if (this.role === "pre-candidate") this.#count(id, true);
  }

  tick(): void {
    this.#member.timer.tick();
    if (!this.#member.timer.expired) return;
    if (this.#member.mayCampaign) this.#transitions.preCampaign();
    else this.#transitions.follow(this.#member.term, undefined);
  }

  receive(from: MemberId, message: Message): void {
    switch (message.kind) {
      case "pre-vote-response":
        if (this.role === "pre-candidate") this.#count(from, message.granted);
        return;
      case "vote-response":
        if (this.role === "candidate") this.#count(from, message.granted);
        return;
      case "read-index":
        return this.#member.send(from, {
          kind: "read-index-response",
          term: this.#member.term,
          id: message.id,
          index: undefined,
        });
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
    this.#member.failReads([id], "no-leader");
  }

  persisted(): void {
    if (this.role === "candidate" && this.#member.hardStateDurable) this.#count(this.#member.id, true);
  }

  /** Votes that were asked for under another configuration say nothing about this one. */
  reconfigured(): void {
    this.#transitions.follow(this.#member.term, undefined);
  }

  unreachable(): void {}

  restarted(): void {}

  snapshotOpened(): void {}

  snapshotClosed(): void {}

  snapshotInstalled(): void {}

  flush(): void {}

  leave(): void {}

  /** Votes are a set: the first answer of a member stands, repeated ones change nothing. */
  #count(from: MemberId, granted: boolean): void {
    if (this.#votes.has(from)) return;
    this.#votes.set(from, granted);
    const result = voteResult(this.#member.configuration, (voter) => this.#votes.get(voter));
    if (result === "won") {
      if (this.role === "candidate") this.#transitions.lead();
      else this.#transitions.campaign(false);
    } else if (result === "lost") {
      this.#transitions.follow(this.#member.term, undefined);
    }
  }
}
