import { EMPTY_BYTES } from "@quorate/base";
import type { LogIndex, MemberId, Raft, Term, TransferOutcome } from "@quorate/raft";
import type { ClusterMember, Membership, MembershipRequest } from "@quorate/state-machine";
import {
  decodeProposeResponse,
  encodeMembershipEntry,
  encodeProposeResponse,
  type LeaderJudgement,
  type MembershipOrder,
} from "@quorate/wire";
import { heirOf } from "./heir";
import { isPublished } from "./publication";
import { refusal, type Asker, type LeadershipView, type Proposals } from "./proposals";
import { judgeReconfiguration } from "./reconfiguration-check";

export interface MembershipDeskOptions {
  readonly clusterId: bigint;
  /** With whom the cluster began, as this member was told when it was made. */
  readonly founders: readonly ClusterMember[];
}

export interface MembershipDeskDependencies {
  readonly raft: Raft;
  readonly proposals: Proposals;
  /** As of the applied state. */
  readonly membership: Membership;
}

/** Whoever asks for nothing: the founding and the cluster version are this leader's own business. */
const NOBODY: Asker = { answer: () => undefined, span: undefined };

const DONE = encodeProposeResponse({ kind: "results", results: [{ ok: true, bytes: EMPTY_BYTES }] });

/**
 * Changes of the membership and of the leadership on their way to Raft. Only a leader can do anything here; a member that
 * does not lead refuses, and says who does.
 */
export class MembershipDesk {
  readonly #transfers = new Map<number, (outcome: TransferOutcome) => void>();
  #membership: Membership;
  #nextTransfer = 1;
  /** The term in which this leader writes down with whom the cluster began. */
  #foundedIn: Term | undefined;

  constructor(
    private readonly options: MembershipDeskOptions,
    private readonly dependencies: MembershipDeskDependencies,
  ) {
    this.#membership = dependencies.membership;
  }

  get membership(): Membership {
    return this.#membership;
  }

  applied(membership: Membership): void {
    this.#membership = membership;
  }

  /**
   * Founds the cluster, once: members that join later learn from the log with whom it began, and everything after follows
   * from there. A founding that is there already makes the second one do nothing. One that Raft refuses, since what the log holds is
   * not applied yet, is due again at the next turn.
   */
  foundIfDue(view: { readonly term: Term; readonly established: boolean }): void {
    if (this.#membership.founded || !view.established || this.#foundedIn === view.term) return;
    const { clusterId, founders } = this.options;
    this.#foundedIn = view.term;
    this.#propose({ changeId: 0n, change: { kind: "found", clusterId, members: founders } }, view.term, {
      ...NOBODY,
      answer: (response) => this.#foundingAnswered(response),
    });
  }

  #foundingAnswered(response: Uint8Array): void {
    if (decodeProposeResponse(response).kind === "refused") this.#foundedIn = undefined;
  }

  /** On a leader that knows that every member can apply `version`. Twice does no harm. */
  raiseClusterVersion(version: number): void {
    const { term } = this.dependencies.raft.status();
    this.#propose({ changeId: 0n, change: { kind: "raise-version", version } }, term, NOBODY);
  }

  take({ order, skipHealthCheck }: MembershipOrder, asker: Asker, view: LeadershipView): void {
    if (order.kind === "move-leader") return this.#moveLeader(order.to, asker, view);
    const { change } = order.request;
    // These are a leader's own, or an operator's at the survivor itself.
    if (
      change.kind === "found" ||
      change.kind === "leave-joint" ||
      change.kind === "raise-version" ||
      change.kind === "refound"
    )
      return asker.answer(refusal("malformed", view));
    const status = this.dependencies.raft.status();
    if (status.role === "leader") {
      if (!this.#membership.founded) return asker.answer(refusal("configuration-pending", view));
      // Each repetition would be an entry, and a log that never rests is what keeps such a member behind.
      if (change.kind === "publish" && isPublished(change, this.#membership)) return asker.answer(DONE);
      const judgement = skipHealthCheck ? undefined : judgeReconfiguration(change, status);
      if (judgement !== undefined) return asker.answer(failure(judgement));
    }
    this.#propose(order.request, status.term, asker);
  }

  /**
   * Gives the leadership to the voter that holds most, if this member leads and there is one that answers.
   *
   * @param settled Called once, at the latest when Raft gives the transfer up.
   * @param synced What the heir must have synced.
   */
  handOver(settled: () => void, synced = 0 as LogIndex): void {
    const to = heirOf(this.dependencies.raft.status(), synced);
    if (to === undefined) settled();
    else this.#transfer(to, settled);
  }

  transferEnded(id: number, outcome: TransferOutcome): void {
    this.#transfers.get(id)?.(outcome);
    this.#transfers.delete(id);
  }

  #moveLeader(to: MemberId, asker: Asker, view: LeadershipView): void {
    this.#transfer(to, (outcome) => {
      switch (outcome) {
        case "done":
          return asker.answer(DONE);
        case "not-leader":
          return asker.answer(refusal("not-leader", view));
        case "not-established":
          return asker.answer(refusal("configuration-pending", view));
        case "not-a-voter":
          return asker.answer(failure("bad-transferee"));
        case "not-caught-up":
        case "transferring":
        case "timed-out":
        case "another-leader":
          return asker.answer(failure("transfer-failed"));
      }
    });
  }

  #transfer(to: MemberId, ended: (outcome: TransferOutcome) => void): void {
    const id = this.#nextTransfer;
    this.#nextTransfer += 1;
    this.#transfers.set(id, ended);
    this.dependencies.raft.step({ kind: "transfer-leadership", id, to });
  }

  #propose(request: MembershipRequest, expectedTerm: Term, asker: Asker): void {
    const { raft, proposals } = this.dependencies;
    const data = encodeMembershipEntry(request);
    raft.step({ kind: "propose-configuration", id: proposals.open(asker), expectedTerm, data });
  }
}

function failure(code: LeaderJudgement): Uint8Array {
  return encodeProposeResponse({ kind: "results", results: [{ ok: false, failure: { code, detail: "" } }] });
}
