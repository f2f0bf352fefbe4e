import type { ActorRef } from "@quorate/actor";
import type { Clock, Scheduler, Timer } from "@quorate/base";
import { traceHeaders } from "@quorate/telemetry";
import type { RequestResult, Transport } from "@quorate/transport";
import {
  decodeLeaseResponse,
  decodeReadResponse,
  encodeLeaseRequest,
  encodeReadRequest,
  type AnswerAs,
  type NodeAnswer,
  type NodeOperation,
  type Refusal,
  type Subjects,
} from "@quorate/wire";
import { definite } from "../api/request-failure";
import { Alarm } from "./alarm";
import { BackOff, type BackOffOptions } from "./back-off";
import { CallQueue, type CallQueueOptions } from "./call-queue";
import type { MemberId } from "./leader-view";
import type { NewestRevision } from "./newest-revision";
import { readableAnswer, settleFromResult } from "./node-result";
import type { LeaseQueryCall, PendingCall, ReadCall } from "./pending-call";

/** How nodes are asked: on which of their subjects, and in which messages. */
export interface NodeQuestion<C extends PendingCall> {
  readonly operation: NodeOperation;
  readonly encode: (calls: readonly C[], answerAs: AnswerAs) => Uint8Array;
  /** @throws {DecodeError} */
  readonly decode: (payload: Uint8Array) => NodeAnswer;
}

/** Reads from a ReadIndex round on. */
export const LINEARIZABLE_READ: NodeQuestion<ReadCall> = {
  operation: "read",
  encode: (reads, answerAs) => encodeReadRequest({ reads, serializable: false, answerAs }),
  decode: decodeReadResponse,
};

/** Reads applied state as it is. */
export const SERIALIZABLE_READ: NodeQuestion<ReadCall> = {
  operation: "read",
  encode: (reads, answerAs) => encodeReadRequest({ reads, serializable: true, answerAs }),
  decode: decodeReadResponse,
};

/** What only the leader can tell about leases. A renewal may be repeated: it makes a lease live longer, not shorter. */
export const LEASE_QUERY: NodeQuestion<LeaseQueryCall> = {
  operation: "lease",
  encode: (queries, answerAs) => encodeLeaseRequest({ queries, answerAs }),
  decode: decodeLeaseResponse,
};

/** Why a member was asked in vain. "silent": it may still be at it. */
export type MemberFailure =
  { readonly kind: "refused"; readonly refusal: Refusal } | { readonly kind: "absent" | "silent" };

/** Who is asked. */
export interface Targets {
  /** @param tried Who refused or did not answer this time. @returns undefined if nobody can be asked now. */
  choose(tried: ReadonlySet<MemberId>): MemberId | undefined;
  failed(member: MemberId, failure: MemberFailure): void;
  answered(member: MemberId): void;
}

export interface ReaderOptions<C extends PendingCall = ReadCall> {
  readonly question: NodeQuestion<C>;
  /** Batches that wait for an answer, or for another attempt. */
  readonly batchesInFlightMax: number;
  readonly queue: CallQueueOptions;
  /** How long one member is given; twice as long at each further attempt, since a large answer may just need it. */
  readonly attemptMs: number;
  readonly attemptMsMax: number;
  /** Between two attempts. */
  readonly backOff: BackOffOptions;
}

export interface ReaderDependencies {
  readonly transport: Transport;
  readonly subjects: Subjects;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly targets: Targets;
  /** The member that answers are to name. */
  readonly answerAs: () => AnswerAs;
  readonly newest: NewestRevision;
}

interface Batch<C extends PendingCall> {
  readonly calls: readonly C[];
  /** The same for every attempt. */
  readonly payload: Uint8Array;
  readonly deadline: number;
  readonly tried: Set<MemberId>;
  readonly backOff: BackOff;
  attemptMs: number;
  waiting: Timer | undefined;
}

/** Deadlines are answered up to this much late, so that one ring of the alarm serves many. */
const DEADLINE_SPACING_MS = 10;

/**
 * Brings reads to members in batches and tries another member for as long as the callers wait: a read changes nothing, so
 * asking again is always safe. Whatever fails on the way, a call ends with an answer or as timed out.
 */
export class Reader<C extends PendingCall = ReadCall> implements ActorRef<C> {
  readonly #queue: CallQueue<C>;
  readonly #inFlight = new Set<Batch<C>>();
  readonly #deadlines: Alarm;
  /** Since the start; shown as metrics. */
  readonly counters = { batches: 0, calls: 0 };
  #turnPosted = false;
  #stopping = false;

  constructor(
    private readonly options: ReaderOptions<C>,
    private readonly dependencies: ReaderDependencies,
  ) {
    this.#queue = new CallQueue(options.queue);
    this.#deadlines = new Alarm(dependencies.clock, () => this.#answerExpired());
  }

  /** True if no call waits for anything. */
  get idle(): boolean {
    return this.#queue.size === 0 && this.#inFlight.size === 0;
  }

  /** Takes a read. It is answered at once if the queue is full or this reader stops. */
  tell(call: C): void {
    if (this.#stopping) return call.fail(definite("stopped"));
    if (!this.#queue.push(call)) return call.fail(definite("too-many-requests"));
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
    this.#deadlines.cancel();
    for (const call of this.#queue.takeAll()) call.fail(definite("stopped"));
    for (const batch of [...this.#inFlight]) {
      this.#finish(batch);
      for (const call of batch.calls) call.fail(definite("stopped"));
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
    while (this.#inFlight.size < this.options.batchesInFlightMax) {
      const calls = this.#queue.takeBatch();
      if (calls.length === 0) return;
      this.counters.batches += 1;
      this.counters.calls += calls.length;
      const { question, attemptMs, backOff } = this.options;
      const batch: Batch<C> = {
        calls,
        payload: question.encode(calls, this.dependencies.answerAs()),
        deadline: calls.reduce((latest, call) => Math.max(latest, call.deadline), -Infinity),
        tried: new Set(),
        backOff: new BackOff(backOff),
        attemptMs,
        waiting: undefined,
      };
      this.#inFlight.add(batch);
      this.#attempt(batch);
    }
  }

  #attempt(batch: Batch<C>): void {
    const { transport, subjects, clock, targets } = this.dependencies;
    const { operation } = this.options.question;
    const leftMs = batch.deadline - clock.now();
    if (leftMs <= 0 || batch.calls.every((call) => call.settled)) return this.#finish(batch);
    const member = targets.choose(batch.tried);
    if (member === undefined) return this.#attemptLater(batch);
    const timeoutMs = Math.max(1, Math.min(batch.attemptMs, leftMs));
    const headers = traceHeaders(batch.calls.find((call) => call.traceContext !== undefined)?.traceContext);
    const options = headers === undefined ? { timeoutMs } : { timeoutMs, headers };
    transport.request(subjects.node(member, operation), batch.payload, options, (result) => {
      this.#answered(batch, member, result);
    });
  }

  #answered(batch: Batch<C>, member: MemberId, result: RequestResult): void {
    if (!this.#inFlight.has(batch)) return; // closed meanwhile
    const { question, attemptMsMax } = this.options;
    const { targets } = this.dependencies;
    const answer =
      result.kind === "answer"
        ? readableAnswer(result.payload, question.decode, batch.calls.length)
        : undefined;
    if (answer?.kind === "results") {
      targets.answered(member);
      this.dependencies.newest.note(answer.results);
      answer.results.forEach((outcome, at) => settleFromResult(batch.calls[at]!, outcome));
      return this.#finish(batch);
    }
    if (answer?.refusal.reason === "malformed") {
      for (const call of batch.calls) call.fail(definite("internal", "a member could not read the request"));
      return this.#finish(batch);
    }
    if (result.kind === "no-answer" && result.why === "timeout") {
      batch.attemptMs = Math.min(batch.attemptMs * 2, attemptMsMax);
    }
    // Not being sent says nothing about the member.
    if (result.kind !== "not-sent") {
      targets.failed(member, failureOf(result, answer));
      batch.tried.add(member);
    }
    this.#attemptLater(batch);
  }

  #attemptLater(batch: Batch<C>): void {
    batch.waiting = this.dependencies.clock.setTimer(batch.backOff.next(), () => this.#attempt(batch));
  }

  #finish(batch: Batch<C>): void {
    batch.waiting?.cancel();
    this.#inFlight.delete(batch);
    this.#postTurn();
  }

  #answerExpired(): void {
    const now = this.dependencies.clock.now();
    for (const call of this.#queue.takeExpired(now)) call.fail(definite("timeout"));
    let next = Infinity;
    for (const call of this.#queue) next = Math.min(next, call.deadline);
    for (const { calls } of this.#inFlight) {
      for (const call of calls) {
        if (call.settled) continue;
        if (call.deadline > now) next = Math.min(next, call.deadline);
        else call.fail(definite("timeout"));
      }
    }
    if (next < Infinity) this.#deadlines.setBy(next, DEADLINE_SPACING_MS);
  }
}

function failureOf(result: RequestResult, answer: NodeAnswer | undefined): MemberFailure {
  if (answer?.kind === "refused") return { kind: "refused", refusal: answer.refusal };
  return { kind: result.kind === "no-responders" ? "absent" : "silent" };
}
