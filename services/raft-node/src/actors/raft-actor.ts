import type { Actor, ActorRef } from "@quorate/actor";
import { assertNever } from "@quorate/base";
import type {
  Configuration,
  EntryId,
  Envelope,
  LogIndex,
  MemberId,
  Message,
  Raft,
  RaftEffect,
  RaftStatus,
  Role,
  Term,
} from "@quorate/raft";
import type { AppliedPosition, ClusterMember, Membership, StoreCondition } from "@quorate/state-machine";
import type { TraceContext } from "@quorate/telemetry";
import type { MembershipOrder } from "@quorate/wire";
import { DiskStall } from "../disk-stall";
import { MembershipDesk } from "../membership-desk";
import { Proposals, refusal, type Asker, type LeadershipView } from "../proposals";
import { Reads } from "../reads";
import type { Answer, ApplierMessage, ApplierReport, FeedReport, MaintenanceReport } from "./applier-actor";
import type { ScrubReport } from "../integrity/scrub";
import type { LessorMessage } from "./lessor-actor";
import type { LogWriterMessage, LogWriterReport } from "./log-writer-actor";
import type { QuotaActor } from "./quota-actor";

export type RaftMessage =
  | { readonly kind: "tick" }
  | {
      readonly kind: "peer";
      readonly from: MemberId;
      readonly incarnation: number;
      readonly messages: readonly Message[];
    }
  | { readonly kind: "unreachable"; readonly member: MemberId }
  /** `data` becomes the payload of a log entry: memory of its own. */
  | {
      readonly kind: "propose";
      readonly expectedTerm: Term;
      readonly data: Uint8Array;
      readonly asker: Asker;
    }
  /** `request`: an encoded ReadRequest in memory of its own. */
  | {
      readonly kind: "read";
      readonly serializable: boolean;
      readonly request: Uint8Array;
      readonly asker: Asker;
    }
  /**
   * Asks for an index from a quorum that confirms, in a round begun after this, that this member leads `term`.
   * `settled` gets it, or `undefined` if this member does not, or if the leadership ended first.
   */
  | {
      readonly kind: "confirm";
      readonly term: Term;
      readonly settled: (index: LogIndex | undefined) => void;
    }
  /** A change of the membership or the leadership. */
  | { readonly kind: "membership"; readonly order: MembershipOrder; readonly asker: Asker }
  /** This member leads, and every member can apply that version. */
  | { readonly kind: "raise-cluster-version"; readonly version: number }
  /** Gives the leadership away, if this member has it and somebody can take it; `settled` when that is over. */
  | { readonly kind: "hand-over"; readonly settled: () => void }
  | Exclude<LogWriterReport, ScrubReport>
  | Exclude<ApplierReport, FeedReport | FetcherReport | MaintenanceReport | ScrubReport>
  | { readonly kind: "snapshot-failed"; readonly transfer: number };

/** Reports of the applier that are not for Raft. */
export type FetcherReport = Extract<
  ApplierReport,
  { kind: "snapshot-chunk" | "backup-chunk" | "snapshot-written" | "snapshot-rejected" }
>;

type Installed = Extract<ApplierReport, { kind: "snapshot-installed" }>;

export interface Leadership {
  readonly role: Role;
  readonly term: Term;
  readonly leader: MemberId | undefined;
  readonly established: boolean;
}

export interface RaftActorOptions {
  readonly clusterId: bigint;
  readonly founders: readonly ClusterMember[];
  /** Committed entries that may wait to be applied before proposals are refused (etcd has 5000 too). */
  readonly applyBacklogMax: number;
  /** Reads that may wait at once; more are refused. */
  readonly readsMax: number;
  /** A leader whose disk takes longer to sync hands over, if somebody else's does not. */
  readonly diskStallTicks: number;
}

export interface RaftActorDependencies {
  readonly raft: Raft;
  readonly peers: { send(envelopes: readonly Envelope[]): void };
  readonly snapshots: {
    fetch(effect: Extract<RaftEffect, { kind: "fetch-snapshot" }>): void;
    discard(transfer: number): void;
  };
  /** A snapshot has taken the place of the state. */
  readonly stateReplaced: (position: AppliedPosition) => void;
  /** The leader knows of entries that the log has lost. */
  readonly lossNoticed: (lost: EntryId) => void;
  /** The log is as complete again as it was before it lost its end. */
  readonly repaired: (last: EntryId) => void;
  readonly logWriter: ActorRef<LogWriterMessage>;
  readonly applier: ActorRef<ApplierMessage>;
  /** Handles what it is told at once: when a leadership ends, nothing may come between. */
  readonly lessor: ActorRef<LessorMessage>;
  /** Likewise: it is asked about each proposal. */
  readonly quota: Pick<QuotaActor, "receive" | "entryBefore">;
  /** Called on every change, in order. */
  readonly leadershipChanged: (leadership: Leadership) => void;
  /** Called when a sync takes longer than it should; again for as long as it goes on. `index`: of what it has to sync. */
  readonly diskStalled: (index: LogIndex) => void;
  /** Called when something about the membership was applied. */
  readonly membershipApplied: (membership: Membership) => void;
  /** Where applied state stood when it was opened. */
  readonly position: AppliedPosition;
  readonly membership: Membership;
  readonly condition: StoreCondition;
}

/** What a status request shows of a member. */
export interface NodeView {
  readonly raft: RaftStatus;
  readonly position: AppliedPosition;
  readonly databaseBytes: number;
  readonly condition: StoreCondition;
}

/**
 * The Raft loop. Every message is handed to the pure core; once the mailbox is empty the effects of the whole turn are
 * performed in order. Nothing here waits: disk and state are behind actors of their own.
 */
export class RaftActor implements Actor<RaftMessage> {
  readonly #proposals = new Proposals();
  readonly #reads: Reads;
  readonly #desk: MembershipDesk;
  readonly #diskStall: DiskStall;
  /** What counts as long as the state knows of no founding. */
  readonly #founding: Configuration;
  #position: AppliedPosition;
  #databaseBytes = 0;
  #condition: StoreCondition;
  #handedToApply: number;
  #leadership: LeadershipView & { readonly established: boolean } = {
    term: 0 as Term,
    leader: undefined,
    established: false,
  };

  constructor(
    private readonly options: RaftActorOptions,
    private readonly dependencies: RaftActorDependencies,
  ) {
    this.#reads = new Reads({ applier: dependencies.applier });
    const { raft, membership } = dependencies;
    this.#desk = new MembershipDesk(options, { raft, membership, proposals: this.#proposals });
    this.#diskStall = new DiskStall({ stallTicks: options.diskStallTicks });
    this.#founding = raft.status().configuration;
    this.#position = dependencies.position;
    this.#condition = dependencies.condition;
    this.#handedToApply = dependencies.position.index;
  }

  /** The trace of a proposal that is being answered, if one is sampled. */
  traceOf(answers: readonly Answer[]): TraceContext | undefined {
    return this.#proposals.traceOf(answers);
  }

  view(): NodeView {
    return {
      raft: this.dependencies.raft.status(),
      position: this.#position,
      databaseBytes: this.#databaseBytes,
      condition: this.#condition,
    };
  }

  receive(message: RaftMessage): void {
    const { raft, lessor } = this.dependencies;
    switch (message.kind) {
      case "persisted":
        this.#proposals.synced(message.id);
        this.#diskStall.synced(message.id);
        return raft.step(message);
      case "tick":
        raft.step(message);
        return this.#leaveIfStalled();
      case "unreachable":
      case "fetched":
      case "compacted":
      case "applied-durably":
      case "snapshot-closed":
      case "snapshot-staged":
      case "snapshot-failed":
        return raft.step(message);
      case "snapshot-opened": {
        const { to, transfer, position, membership } = message;
        const { index, term } = position;
        const configuration = membership.founded ? membership.configuration : this.#founding;
        const at = { index: index as LogIndex, term: term as Term, configuration };
        return raft.step({ kind: "snapshot-opened", to, transfer, at });
      }
      case "snapshot-installed":
        return this.#installed(message);
      case "peer":
        for (const inner of message.messages) {
          raft.step({
            kind: "receive",
            from: message.from,
            incarnation: message.incarnation,
            message: inner,
          });
        }
        return;
      case "propose":
        return this.#propose(message);
      case "read":
        return this.#read(message);
      case "applied":
        this.#position = message.position;
        this.#databaseBytes = message.databaseBytes;
        this.#applied(message.position.index as LogIndex, message.membership);
        this.#conditionChanged(message.condition);
        return lessor.tell({ kind: "applied", position: message.position, changes: message.leases });
      case "store-compacted":
        return this.#conditionChanged(message.condition);
      case "confirm":
        return this.#confirm(message.term, message.settled);
      case "membership":
        return this.#desk.take(message.order, message.asker, this.#leadership);
      case "raise-cluster-version":
        return this.#desk.raiseClusterVersion(message.version);
      case "hand-over":
        return this.#desk.handOver(message.settled);
      case "lease-list":
      case "lease-keys":
        return lessor.tell(message);
      case "answers":
        return this.#proposals.answered(message.answers);
      case "read-result":
        return this.#reads.answered(message.id, message.response);
      default:
        assertNever(message);
    }
  }

  turnEnded(): void {
    this.#desk.foundIfDue(this.#leadership);
    for (const effect of this.dependencies.raft.takeEffects()) this.#perform(effect);
  }

  #leaveIfStalled(): void {
    const stuckAt = this.#diskStall.tick();
    if (stuckAt === undefined) return;
    this.dependencies.diskStalled(stuckAt);
    this.#desk.handOver(() => undefined, stuckAt);
  }

  #applied(index: LogIndex, membership: Membership | undefined): void {
    const { raft } = this.dependencies;
    if (membership === undefined || !membership.founded) return raft.step({ kind: "applied", index });
    raft.step({ kind: "applied", index, configuration: membership.configuration });
    this.#membershipApplied(membership);
  }

  /** What was not applied here one by one: everybody who goes by applied state looks at it anew. */
  #installed({ position, membership, condition }: Installed): void {
    const { raft, lessor, stateReplaced } = this.dependencies;
    const index = position.index as LogIndex;
    this.#position = position;
    this.#handedToApply = index;
    this.#proposals.forgetUpTo(index);
    raft.step({ kind: "snapshot-installed", index });
    this.#membershipApplied(membership);
    this.#conditionChanged(condition);
    lessor.tell({ kind: "applied", position, changes: [] });
    stateReplaced(position);
  }

  #membershipApplied(membership: Membership): void {
    if (!membership.founded) return;
    this.#desk.applied(membership);
    this.dependencies.membershipApplied(membership);
  }

  #propose(message: Extract<RaftMessage, { kind: "propose" }>): void {
    const { asker, expectedTerm, data } = message;
    if (this.#handedToApply - this.#position.index > this.options.applyBacklogMax) {
      asker.span?.end("overloaded");
      return asker.answer(refusal("overloaded", this.#leadership));
    }
    const alarm = this.dependencies.quota.entryBefore(data, expectedTerm);
    if (alarm !== undefined) this.#step(expectedTerm, alarm.data, alarm.asker);
    this.#step(expectedTerm, data, asker);
  }

  #step(expectedTerm: Term, data: Uint8Array, asker: Asker): void {
    this.dependencies.raft.step({ kind: "propose", id: this.#proposals.open(asker), expectedTerm, data });
  }

  #conditionChanged(condition: StoreCondition): void {
    this.#condition = condition;
    this.dependencies.quota.receive({ kind: "condition", condition });
  }

  #read(message: Extract<RaftMessage, { kind: "read" }>): void {
    const { serializable, request, asker } = message;
    if (serializable) return this.#reads.serializable(request, asker, this.#leadership.term);
    const id = this.#reads.open(request, asker);
    if (this.#reads.size > this.options.readsMax)
      return this.#reads.failed([id], "overloaded", this.#leadership);
    this.dependencies.raft.step({ kind: "read-index", id });
  }

  #confirm(term: Term, settled: (index: LogIndex | undefined) => void): void {
    const { raft } = this.dependencies;
    const status = raft.status();
    // A follower would ask the leader for the index, which says nothing about who leads here.
    if (status.role !== "leader" || status.term !== term) return settled(undefined);
    raft.step({ kind: "read-index", id: this.#reads.openConfirmation(settled) });
  }

  #perform(effect: RaftEffect): void {
    const { peers, logWriter, applier, lessor, quota, raft, snapshots, leadershipChanged } =
      this.dependencies;
    switch (effect.kind) {
      case "send":
        return peers.send(effect.envelopes);
      case "persist": {
        const { id, restart, truncateFrom, entries, hardState } = effect;
        const last = entries.at(-1);
        if (last !== undefined) {
          this.#proposals.syncBegins(id, last.index);
          this.#diskStall.writing(id, last.index);
        }
        return logWriter.tell({ kind: "write", id, write: { restart, truncateFrom, entries, hardState } });
      }
      case "fetch":
        return logWriter.tell({ kind: "read", from: effect.from, to: effect.to, bytesMax: effect.bytesMax });
      case "apply": {
        const { entries } = effect;
        this.#handedToApply = entries[entries.length - 1]!.index;
        const answered = this.#proposals.owed(entries);
        return applier.tell({ kind: "apply", raftTerm: this.#leadership.term, entries, answered });
      }
      case "compact":
        return logWriter.tell(effect);
      case "open-snapshot":
        return applier.tell({ kind: "snapshot-open", to: effect.to, transfer: effect.transfer });
      case "close-snapshot":
        return applier.tell({ kind: "snapshot-close", to: effect.to, transfer: effect.transfer });
      case "fetch-snapshot":
        return snapshots.fetch(effect);
      case "discard-snapshot":
        return snapshots.discard(effect.transfer);
      case "install-snapshot":
        return applier.tell({ kind: "snapshot-install", index: effect.index });
      case "proposed":
        return this.#proposals.accepted(effect.id, effect.index, effect.term);
      case "proposal-refused":
        return this.#proposals.refused(effect.id, effect.reason, this.#leadership);
      case "read-ready":
        return this.#reads.confirmed(effect.ids, effect.index, this.#leadership.term);
      case "read-failed": {
        const reason = effect.reason === "overloaded" ? "overloaded" : "not-confirmed";
        return this.#reads.failed(effect.ids, reason, this.#leadership);
      }
      case "leadership":
        this.#leadership = { term: effect.term, leader: effect.leader, established: effect.established };
        quota.receive({ kind: "leadership", leadership: effect });
        lessor.tell({ kind: "leadership", leadership: effect, commit: raft.status().commit });
        return leadershipChanged(effect);
      case "loss-noticed":
        logWriter.tell({ kind: "promise", at: effect.lost });
        return this.dependencies.lossNoticed(effect.lost);
      case "repaired":
        return this.dependencies.repaired(effect.last);
      case "transfer-ended":
        return this.#desk.transferEnded(effect.id, effect.outcome);
      default:
        assertNever(effect);
    }
  }
}
