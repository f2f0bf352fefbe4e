import type { Actor, ActorRef } from "@quorate/actor";
import { assertNever, type Clock } from "@quorate/base";
import { Lessor, LESSOR_DEFAULTS, type LeaseId, type LeaseRecord, type LeaseView } from "@quorate/lease";
import type { LogIndex, MemberId, Term } from "@quorate/raft";
import type { AppliedPosition, LeaseChange } from "@quorate/state-machine";
import type { Tracer } from "@quorate/telemetry";
import {
  decodeProposeResponse,
  encodeCommandBatch,
  encodeLeaseCheckpoint,
  encodeLeaseExpire,
  ResponseEncoder,
  type LeaseQuery,
  type NodeAnswer,
  type RawCommand,
  type RefusalReason,
} from "@quorate/wire";
import { LeaseAsk, type LeaseWaiter } from "../lease-ask";
import { startOwnSpan, type RequestSpan } from "../request-span";
import type { Asker, LeadershipView } from "../proposals";
import type { ApplierMessage, ApplierReport } from "./applier-actor";
import type { Leadership, RaftMessage } from "./raft-actor";

export type LessorMessage =
  /** Time to look for what has expired. */
  | { readonly kind: "tick" }
  /** Questions of a gateway. */
  | { readonly kind: "ask"; readonly queries: readonly LeaseQuery[]; readonly asker: Asker }
  /** Told before anyone else. `commit`: the commit index at this moment. */
  | { readonly kind: "leadership"; readonly leadership: Leadership; readonly commit: LogIndex }
  | { readonly kind: "applied"; readonly position: AppliedPosition; readonly changes: readonly LeaseChange[] }
  | Extract<ApplierReport, { kind: "lease-list" | "lease-keys" }>;

export interface LessorActorOptions {
  readonly clusterId: bigint;
  readonly memberId: MemberId;
  /** The minimum election timeout in milliseconds. */
  readonly electionTimeoutMs: number;
}

export interface LessorActorDependencies {
  readonly raft: ActorRef<RaftMessage>;
  readonly applier: ActorRef<ApplierMessage>;
  readonly clock: Clock;
  readonly tracer: Tracer;
  /** Where applied state stood when it was opened. */
  readonly position: AppliedPosition;
}

/** Batches of questions that may wait at once; more are refused as overloaded. */
const ASKS_MAX = 10_000;
/** Leases that end with one log entry (etcd: 500 per scan). */
const EXPIRIES_PER_SCAN_MAX = 500;
const CHECKPOINTS_PER_SCAN_MAX = 1000;

/** A renewal that waits until the log says that what was noted of the lease does not hold any more. */
interface Reset {
  readonly proposedAt: number;
  readonly waiters: LeaseWaiter[];
}

/**
 * The leases of the cluster, on the leader: decides when they end and answers for them.
 *
 * - Nothing is confirmed, and no expiry proposed, unless a quorum has answered a round that began after the question
 *   arrived, or after the deadline had passed. So a leader that was deposed while it was frozen does neither.
 * - A renewal is confirmed within an election timeout of its arrival or not at all: whoever was elected meanwhile has given
 *   every lease its full time and an election timeout on top, which is more than is promised here.
 * - Every entry names the term in which it was proposed, and is void in any other.
 * - When leadership ends, everything is forgotten before anything else is handled.
 */
export class LessorActor implements Actor<LessorMessage> {
  readonly #lessor: Lessor;
  readonly #encoder: ResponseEncoder;
  #view: LeadershipView = { term: 0 as Term, leader: undefined };
  /** The term that this member leads. */
  #leading: Term | undefined;
  #listWanted = false;
  #position: AppliedPosition;
  readonly #asks = new Set<LeaseAsk>();
  /** Confirmed, but not yet applied that far, or not yet promoted. */
  #waiting: LeaseAsk[] = [];
  /** Leases whose expiry is proposed; until it is applied or refused they are neither renewed nor proposed again. */
  readonly #expiring = new Set<LeaseId>();
  /** Renewals that came too late: answered once the lease is really gone. */
  readonly #late = new Map<LeaseId, LeaseWaiter[]>();
  readonly #resets = new Map<LeaseId, Reset>();
  readonly #keyQueries = new Map<number, (keys: readonly Uint8Array[]) => void>();
  #nextKeyQuery = 1;

  constructor(
    private readonly options: LessorActorOptions,
    private readonly dependencies: LessorActorDependencies,
  ) {
    this.#lessor = new Lessor({ ...LESSOR_DEFAULTS, electionTimeoutMs: options.electionTimeoutMs });
    this.#encoder = new ResponseEncoder(options);
    this.#position = dependencies.position;
  }

  receive(message: LessorMessage): void {
    switch (message.kind) {
      case "tick":
        return this.#scan();
      case "ask":
        return this.#ask(message.queries, message.asker);
      case "leadership":
        return this.#leadershipChanged(message.leadership, message.commit);
      case "applied":
        return this.#applied(message.position, message.changes);
      case "lease-list":
        return this.#promote(message.term, message.leases);
      case "lease-keys": {
        const settle = this.#keyQueries.get(message.id);
        this.#keyQueries.delete(message.id);
        return settle?.(message.keys);
      }
      default:
        assertNever(message);
    }
  }

  #leadershipChanged({ role, term, leader, established }: Leadership, commit: LogIndex): void {
    this.#view = { term, leader };
    const leads = role === "leader" ? term : undefined;
    if (leads !== this.#leading) this.#demote();
    this.#leading = leads;
    if (leads === undefined || !established || this.#listWanted) return;
    // An entry of the own term is committed, and with it all that earlier leaders did: now the leases are known.
    this.#listWanted = true;
    this.dependencies.applier.tell({ kind: "lease-list", term, minIndex: commit });
  }

  #demote(): void {
    this.#lessor.demote();
    this.#listWanted = false;
    this.#waiting = [];
    this.#expiring.clear();
    this.#late.clear();
    this.#resets.clear();
    this.#keyQueries.clear();
    for (const ask of [...this.#asks]) this.#refuse(ask, "not-confirmed");
  }

  /** What is applied from now on is told by `applied`: the applier reports in order. */
  #promote(term: Term, leases: readonly LeaseRecord[]): void {
    if (term !== this.#leading || this.#lessor.primary) return;
    this.#lessor.promote(leases, this.dependencies.clock.now());
    this.#answerWaiting();
  }

  #ask(queries: readonly LeaseQuery[], asker: Asker): void {
    const ask = new LeaseAsk(queries, this.dependencies.clock.now(), asker);
    if (this.#leading === undefined) return ask.refuse("not-leader", this.#view);
    if (this.#asks.size >= ASKS_MAX) return ask.refuse("overloaded", this.#view);
    this.#asks.add(ask);
    this.#confirm(this.#leading, (index) => {
      if (!this.#asks.has(ask)) return;
      if (index === undefined) return this.#refuse(ask, "not-confirmed");
      ask.index = index;
      this.#waiting.push(ask);
      this.#answerWaiting();
    });
  }

  #confirm(term: Term, settled: (index: LogIndex | undefined) => void): void {
    this.dependencies.raft.tell({ kind: "confirm", term, settled });
  }

  #answerWaiting(): void {
    if (!this.#lessor.primary) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const ask of waiting) {
      if (!this.#asks.has(ask)) continue;
      if (ask.index! > this.#position.index) this.#waiting.push(ask);
      else if (!this.#isFresh(ask.arrivedAt)) this.#refuse(ask, "not-confirmed");
      else ask.queries.forEach((query, at) => this.#answer({ ask, at }, query));
    }
  }

  #answer(waiter: LeaseWaiter, query: LeaseQuery): void {
    switch (query.kind) {
      case "keep-alive":
        return this.#keepAlive(waiter, query.id);
      case "time-to-live":
        return this.#timeToLive(waiter, query.id, query.keys);
      default:
        return assertNever(query);
    }
  }

  #keepAlive(waiter: LeaseWaiter, id: LeaseId): void {
    const lease = this.#lessor.find(id);
    if (lease === undefined) return this.#settleRenewal(waiter, id, 0);
    if (this.#expiring.has(id) || lease.deadline <= waiter.ask.arrivedAt) {
      // Its keys are still there: it counts as gone only when they are.
      waitersOf(this.#late, id).push(waiter);
      // The round that confirmed this question began after the deadline.
      if (!this.#expiring.has(id)) this.#proposeExpiries([lease]);
      return;
    }
    const now = this.dependencies.clock.now();
    this.#lessor.renew(id, now);
    if (lease.checkpointed) return this.#resetFirst(waiter, lease, now);
    this.#settleRenewal(waiter, id, lease.ttlSeconds);
  }

  #timeToLive(waiter: LeaseWaiter, id: LeaseId, keysWanted: boolean): void {
    const lease = this.#lessor.find(id);
    const leftMs = lease === undefined ? 0 : lease.deadline - this.dependencies.clock.now();
    const settle = (keys: readonly Uint8Array[]): void => {
      const { revision } = this.#position;
      const remainingSeconds = lease === undefined ? -1 : Math.trunc(leftMs / 1000);
      const response = { revision, id, remainingSeconds, grantedSeconds: lease?.ttlSeconds ?? 0, keys };
      this.#settle(waiter, this.#encoderFor(waiter).leaseTimeToLive(response, this.#view.term));
    };
    if (lease === undefined || !keysWanted) return settle([]);
    const query = this.#nextKeyQuery;
    this.#nextKeyQuery += 1;
    this.#keyQueries.set(query, settle);
    this.dependencies.applier.tell({ kind: "lease-keys", id: query, lease: id, minIndex: 0 as LogIndex });
  }

  /** Else the next leader would start from what was noted, and end the lease before the time that is confirmed here. */
  #resetFirst(waiter: LeaseWaiter, { id, sequence }: LeaseView, now: number): void {
    const known = this.#resets.get(id);
    if (known !== undefined) return void known.waiters.push(waiter);
    const reset: Reset = { proposedAt: now, waiters: [waiter] };
    this.#resets.set(id, reset);
    const term = this.#leading!;
    const bytes = encodeLeaseCheckpoint({ term, checkpoints: [{ id, sequence, remainingSeconds: 0 }] });
    this.#propose(term, [{ kind: "lease-checkpoint", bytes }], () => {
      if (this.#resets.get(id) !== reset) return;
      this.#resets.delete(id);
      for (const { ask } of reset.waiters) this.#refuse(ask, "not-confirmed");
    });
  }

  #scan(): void {
    const term = this.#leading;
    if (term === undefined || !this.#lessor.primary) return;
    const now = this.dependencies.clock.now();
    const expired = this.#lessor.takeExpired(now, EXPIRIES_PER_SCAN_MAX);
    if (expired.length > 0)
      this.#confirm(term, (index) => this.#expire(term, expired, now, index !== undefined));
    // A lease whose note is being taken back is not noted again before that: the order in the log would be lost.
    const checkpoints = this.#lessor
      .takeCheckpoints(now, CHECKPOINTS_PER_SCAN_MAX)
      .filter(({ id }) => !this.#resets.has(id));
    if (checkpoints.length === 0) return;
    this.#propose(term, [{ kind: "lease-checkpoint", bytes: encodeLeaseCheckpoint({ term, checkpoints }) }]);
  }

  /** @param foundAt When the deadlines had passed; the round that ends here began later. */
  #expire(term: Term, expired: readonly LeaseView[], foundAt: number, confirmed: boolean): void {
    if (term !== this.#leading) return;
    const due = expired.filter(
      (lease) =>
        confirmed &&
        this.#lessor.find(lease.id) === lease &&
        lease.deadline <= foundAt &&
        !this.#expiring.has(lease.id),
    );
    if (due.length > 0) this.#proposeExpiries(due);
    for (const { id } of expired) if (!this.#expiring.has(id)) this.#lessor.postpone(id);
  }

  #proposeExpiries(leases: readonly LeaseView[]): void {
    const term = this.#leading!;
    const commands = leases.map(({ id, sequence }): RawCommand => {
      this.#expiring.add(id);
      return { kind: "lease-expire", bytes: encodeLeaseExpire({ id, sequence, term }) };
    });
    const refused = (): void => {
      for (const { id } of leases) if (this.#expiring.delete(id)) this.#lessor.postpone(id);
    };
    this.#propose(term, commands, refused, startOwnSpan(this.dependencies.tracer, "lease expiry"));
  }

  /** @param refused Called if the entry certainly has no effect, while this member still leads the term. */
  #propose(term: Term, commands: readonly RawCommand[], refused?: () => void, span?: RequestSpan): void {
    const answer = (response: Uint8Array): void => {
      if (term === this.#leading && hasFailed(decodeProposeResponse(response))) refused?.();
    };
    this.dependencies.raft.tell({
      kind: "propose",
      expectedTerm: term,
      data: encodeCommandBatch(commands),
      asker: { answer, span },
    });
  }

  #applied(position: AppliedPosition, changes: readonly LeaseChange[]): void {
    this.#position = position;
    if (!this.#lessor.primary) return;
    for (const change of changes) this.#changed(change);
    if (this.#waiting.length > 0) this.#answerWaiting();
  }

  #changed(change: LeaseChange): void {
    const { id } = change;
    switch (change.kind) {
      case "granted":
        return this.#lessor.grant({ ...change, remainingSeconds: 0 }, this.dependencies.clock.now());
      case "ended": {
        this.#lessor.end(id);
        this.#expiring.delete(id);
        const waiters = [...(this.#late.get(id) ?? []), ...(this.#resets.get(id)?.waiters ?? [])];
        this.#late.delete(id);
        this.#resets.delete(id);
        for (const waiter of waiters) this.#settleRenewal(waiter, id, 0);
        return;
      }
      case "checkpointed":
        if (change.remainingSeconds === 0) this.#resetApplied(id);
        return;
      default:
        return assertNever(change);
    }
  }

  #resetApplied(id: LeaseId): void {
    const reset = this.#resets.get(id);
    const lease = this.#lessor.find(id);
    if (reset === undefined || lease === undefined) return;
    this.#resets.delete(id);
    this.#lessor.checkpointCleared(id);
    if (this.#expiring.has(id)) return void waitersOf(this.#late, id).push(...reset.waiters);
    this.#lessor.renew(id, this.dependencies.clock.now());
    for (const waiter of reset.waiters) {
      // That the entry is committed confirms the leadership at the time of its proposal.
      if (this.#isFresh(Math.max(reset.proposedAt, waiter.ask.arrivedAt))) {
        this.#settleRenewal(waiter, id, lease.ttlSeconds);
      } else this.#refuse(waiter.ask, "not-confirmed");
    }
  }

  #isFresh(since: number): boolean {
    return this.dependencies.clock.now() - since <= this.options.electionTimeoutMs;
  }

  #settleRenewal(waiter: LeaseWaiter, id: LeaseId, ttlSeconds: number): void {
    const { revision } = this.#position;
    this.#settle(
      waiter,
      this.#encoderFor(waiter).leaseKeepAlive({ revision, id, ttlSeconds }, this.#view.term),
    );
  }

  #encoderFor({ ask }: LeaseWaiter): ResponseEncoder {
    return this.#encoder.as(ask.answerAs);
  }

  #settle({ ask, at }: LeaseWaiter, bytes: Uint8Array): void {
    if (this.#asks.has(ask) && ask.settle(at, bytes)) this.#asks.delete(ask);
  }

  #refuse(ask: LeaseAsk, reason: RefusalReason): void {
    if (this.#asks.delete(ask)) ask.refuse(reason, this.#view);
  }
}

/** Either the entry is not in the log, or an alarm kept it from doing anything when it was applied. */
function hasFailed(answer: NodeAnswer): boolean {
  return answer.kind === "refused" || answer.results.some((result) => !result.ok);
}

function waitersOf(waiters: Map<LeaseId, LeaseWaiter[]>, id: LeaseId): LeaseWaiter[] {
  let list = waiters.get(id);
  if (list === undefined) waiters.set(id, (list = []));
  return list;
}
