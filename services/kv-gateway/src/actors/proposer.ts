import { type ActorRef } from "@quorate/actor";
import { assertNever, type Clock, type Scheduler } from "@quorate/base";
import { traceHeaders } from "@quorate/telemetry";
import type { RequestResult, Subscription, Transport } from "@quorate/transport";
import {
  decodeProposeResponse,
  encodeCommandBatch,
  encodeProposeRequest,
  type AnswerAs,
  type Refusal,
  type Subjects,
} from "@quorate/wire";
import { definite, unknownOutcome, type RequestFailure } from "../api/request-failure";
import { Alarm } from "./alarm";
import { BackOff, type BackOffOptions } from "./back-off";
import { CallQueue, type CallQueueOptions } from "./call-queue";
import type { LeaderTracker } from "./leader-tracker";
import type { LeaderAt } from "./leader-view";
import type { NewestRevision } from "./newest-revision";
import { readableAnswer, settleFromResult } from "./node-result";
import type { WriteCall } from "./pending-call";
import type { TimeoutCause } from "./timeout-cause";

export interface ProposerOptions {
  /** Which gateway this is, different at each start. */
  readonly gateway: bigint;
  /** Batches that wait for their answer at one leader. The next one gathers what arrives meanwhile. */
  readonly batchesInFlightMax: number;
  readonly queue: CallQueueOptions;
  /** How long after a later leader was heard of an earlier leader's answers are still waited for, in milliseconds. */
  readonly deposedGraceMs: number;
  /** Between a refusal and the next attempt, unless another leader is heard of. */
  readonly backOff: BackOffOptions;
}

export interface ProposerDependencies {
  readonly transport: Transport;
  readonly subjects: Subjects;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly tracker: LeaderTracker;
  readonly timeoutCause: TimeoutCause;
  /** The member that answers are to name. */
  readonly answerAs: () => AnswerAs;
  readonly newest: NewestRevision;
}

interface Batch {
  readonly calls: readonly WriteCall[];
  readonly leader: LeaderAt;
}

/** Deadlines are answered up to this much late, so that one ring of the alarm serves many. */
const DEADLINE_SPACING_MS = 10;

/**
 * Brings writes to the leader in batches: all that arrive in one turn, or while the window of batches in flight is full,
 * travel together.
 *
 * Invariants:
 * - A call is sent again only after a definite answer that it had no effect (refusal, nobody there, not sent). Once an
 *   attempt ended without an answer its calls are answered as unknown and never sent again.
 * - A member that has started anew cannot say that it refuses: it may have taken the same batch before, if the broker delivers it
 *   twice. So what it is asked under its former term is answered as unknown.
 * - A batch names the one term in which it may be taken, so a copy that the broker delays does nothing.
 */
export class Proposer implements ActorRef<WriteCall> {
  readonly #queue: CallQueue<WriteCall>;
  readonly #inFlight = new Set<Batch>();
  readonly #backOff: BackOff;
  readonly #deadlines: Alarm;
  readonly #holding: Alarm;
  readonly #deposed: Alarm;
  readonly #leaderNews: Subscription;
  /** Whoever refused last is not asked again before `#holding` rings. */
  #refusedBy: LeaderAt | undefined;
  /** Who has started anew since it led in that term: nothing more is sent to it under that term. */
  #outlived: LeaderAt | undefined;
  /** Since the start; shown as metrics. */
  readonly counters = { batches: 0, calls: 0, failed: 0 };
  #sequence = 0;
  #turnPosted = false;
  #stopping = false;

  constructor(
    private readonly options: ProposerOptions,
    private readonly dependencies: ProposerDependencies,
  ) {
    const { clock, tracker } = dependencies;
    this.#queue = new CallQueue(options.queue);
    this.#backOff = new BackOff(options.backOff);
    this.#deadlines = new Alarm(clock, () => this.#answerExpired());
    this.#holding = new Alarm(clock, () => this.#tryAgain());
    this.#deposed = new Alarm(clock, () => this.#giveUpDeposed());
    this.#leaderNews = tracker.onChange(() => this.#leaderChanged());
  }

  /** True if no call waits for anything. */
  get idle(): boolean {
    return this.#queue.size === 0 && this.#inFlight.size === 0;
  }

  /** Calls that wait for an answer or to be sent. */
  get pending(): number {
    let calls = this.#queue.size;
    for (const batch of this.#inFlight) calls += batch.calls.length;
    return calls;
  }

  /** Takes a write. It is answered at once if the queue is full or this proposer stops. */
  tell(call: WriteCall): void {
    if (this.#stopping) return call.fail(definite("stopped"));
    if (!this.#queue.push(call)) return this.#fail(call, definite("too-many-requests"));
    this.#deadlines.setBy(call.deadline, DEADLINE_SPACING_MS);
    this.#postTurn();
  }

  /** From now on calls are refused; those that were taken go on. */
  stopIntake(): void {
    this.#stopping = true;
  }

  /** Answers everything that still waits, without sending anything. */
  close(): void {
    this.stopIntake();
    this.#leaderNews.unsubscribe();
    for (const alarm of [this.#deadlines, this.#holding, this.#deposed]) alarm.cancel();
    for (const call of this.#queue.takeAll()) call.fail(definite("stopped"));
    for (const batch of [...this.#inFlight]) {
      this.#inFlight.delete(batch);
      for (const call of batch.calls) call.fail(unknownOutcome("stopped"));
    }
  }

  #postTurn(): void {
    if (this.#turnPosted) return;
    this.#turnPosted = true;
    this.dependencies.scheduler.post(() => {
      this.#turnPosted = false;
      this.#sendBatches();
    });
  }

  #sendBatches(): void {
    const { leader } = this.dependencies.tracker;
    if (leader === undefined || isSame(leader, this.#outlived)) return;
    // Looked at anew each time: a transport may answer "not sent" before `request` returns.
    while (!isSame(leader, this.#refusedBy) && this.#inFlightAt(leader) < this.options.batchesInFlightMax) {
      const calls = this.#queue.takeBatch();
      if (calls.length === 0) return;
      this.#send({ calls, leader });
    }
  }

  #send(batch: Batch): void {
    const { transport, subjects, clock } = this.dependencies;
    this.#sequence += 1;
    this.counters.batches += 1;
    this.counters.calls += batch.calls.length;
    this.#inFlight.add(batch);
    const subject = subjects.node(batch.leader.member, "propose");
    const payload = encodeProposeRequest({
      expectedTerm: batch.leader.term,
      gateway: this.options.gateway,
      sequence: this.#sequence,
      batch: encodeCommandBatch(batch.calls),
      answerAs: this.dependencies.answerAs(),
    });
    const timeoutMs = Math.max(1, latestDeadline(batch.calls) - clock.now());
    const headers = traceHeaders(batch.calls.find((call) => call.traceContext !== undefined)?.traceContext);
    const options = headers === undefined ? { timeoutMs } : { timeoutMs, headers };
    transport.request(subject, payload, options, (result) => this.#answered(batch, result));
  }

  #answered(batch: Batch, result: RequestResult): void {
    if (!this.#inFlight.delete(batch)) return; // given up already
    switch (result.kind) {
      case "answer":
        this.#handOut(batch, result.payload);
        break;
      case "no-responders":
        this.#holdAndKeep(batch);
        this.dependencies.tracker.doubt(batch.leader);
        break;
      case "not-sent":
        this.#holdAndKeep(batch);
        break;
      case "no-answer":
        this.#failUnknown(batch, result.why === "timeout" ? undefined : "timeout-connection-lost");
        break;
      default:
        assertNever(result);
    }
    this.#postTurn();
  }

  #handOut(batch: Batch, payload: Uint8Array): void {
    const answer = readableAnswer(payload, decodeProposeResponse, batch.calls.length);
    // It came from the leader, who may well have carried the batch out.
    if (answer === undefined) return this.#failUnknown(batch, undefined);
    if (answer.kind === "refused") return this.#refused(batch, answer.refusal);
    this.#backOff.reset();
    this.dependencies.newest.note(answer.results);
    answer.results.forEach((result, at) => settleFromResult(batch.calls[at]!, result));
  }

  #refused(batch: Batch, refusal: Refusal): void {
    if (refusal.reason === "overloaded") {
      for (const call of batch.calls) this.#fail(call, definite("too-many-requests"));
      return;
    }
    if (refusal.reason === "malformed") {
      for (const call of batch.calls) {
        this.#fail(call, definite("internal", "the leader could not read the proposal"));
      }
      return;
    }
    const { term, leader } = refusal;
    if (refusal.reason === "restarted") {
      this.#outlived = batch.leader;
      this.#failUnknown(batch, undefined);
      this.dependencies.tracker.doubt(batch.leader);
    } else this.#holdAndKeep(batch);
    if (term > 0) this.dependencies.tracker.learn({ sender: batch.leader.member, term, leader });
  }

  /** Nothing of the batch took effect: its calls go back to the head of the queue, and whoever refused is left alone. */
  #holdAndKeep(batch: Batch): void {
    const { clock } = this.dependencies;
    const now = clock.now();
    const waiting = batch.calls.filter((call) => !call.settled);
    const kept = waiting.filter((call) => call.deadline > now);
    for (const call of waiting) if (call.deadline <= now) this.#failDefinite(call);
    this.#queue.putBack(kept);
    if (!isSame(batch.leader, this.#refusedBy)) this.#holding.cancel();
    this.#refusedBy = batch.leader;
    this.#holding.setBy(now + this.#backOff.next());
  }

  #tryAgain(): void {
    this.#refusedBy = undefined;
    this.#postTurn();
  }

  #leaderChanged(): void {
    const { tracker, clock } = this.dependencies;
    const { leader } = tracker;
    if (leader === undefined) return;
    if (!isSame(leader, this.#refusedBy)) {
      this.#refusedBy = undefined;
      this.#holding.cancel();
      this.#backOff.reset();
    }
    if (this.#inFlightBefore(leader.term).length > 0) {
      this.#deposed.setBy(clock.now() + this.options.deposedGraceMs);
    }
    this.#postTurn();
  }

  /** A leader that was deposed, or died, may never answer; waiting for the deadlines would only keep the callers longer. */
  #giveUpDeposed(): void {
    const { newest } = this.dependencies.tracker;
    if (newest === undefined) return;
    for (const batch of this.#inFlightBefore(newest.term)) {
      this.#inFlight.delete(batch);
      this.#failUnknown(batch, undefined);
    }
  }

  #answerExpired(): void {
    const now = this.dependencies.clock.now();
    for (const call of this.#queue.takeExpired(now)) this.#failDefinite(call);
    let next = Infinity;
    for (const call of this.#queue) next = Math.min(next, call.deadline);
    for (const batch of this.#inFlight) {
      for (const call of batch.calls) {
        if (call.settled) continue;
        if (call.deadline > now) next = Math.min(next, call.deadline);
        else this.#fail(call, unknownOutcome(this.dependencies.timeoutCause.of(call.startedAt)));
      }
    }
    if (next < Infinity) this.#deadlines.setBy(next, DEADLINE_SPACING_MS);
  }

  #failDefinite(call: WriteCall): void {
    this.#fail(call, definite(this.dependencies.timeoutCause.of(call.startedAt)));
  }

  #failUnknown(batch: Batch, code: "timeout-connection-lost" | undefined): void {
    for (const call of batch.calls) {
      this.#fail(call, unknownOutcome(code ?? this.dependencies.timeoutCause.of(call.startedAt)));
    }
  }

  #fail(call: WriteCall, failure: RequestFailure): void {
    if (!call.settled) this.counters.failed += 1;
    call.fail(failure);
  }

  #inFlightAt(leader: LeaderAt): number {
    let count = 0;
    for (const batch of this.#inFlight) if (isSame(batch.leader, leader)) count += 1;
    return count;
  }

  #inFlightBefore(term: number): Batch[] {
    return [...this.#inFlight].filter((batch) => batch.leader.term < term);
  }
}

function isSame(leader: LeaderAt, other: LeaderAt | undefined): boolean {
  return leader.member === other?.member && leader.term === other.term;
}

function latestDeadline(calls: readonly WriteCall[]): number {
  let latest = -Infinity;
  for (const call of calls) latest = Math.max(latest, call.deadline);
  return latest;
}
