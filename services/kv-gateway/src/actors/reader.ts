import type { ActorRef } from "@quorate/actor";
import type { Clock, Scheduler, Timer } from "@quorate/base";
import { traceHeaders } from "@quorate/telemetry";
import type { RequestResult, Transport } from "@quorate/transport";
import { decodeReadResponse, encodeReadRequest, type Subjects } from "@quorate/wire";
import { definite } from "../api/request-failure";
import { Alarm } from "./alarm";
import { BackOff, type BackOffOptions } from "./back-off";
import { CallQueue, type CallQueueOptions } from "./call-queue";
import type { MemberId } from "./leader-view";
import { readableAnswer, settleFromResult } from "./node-result";
import type { ReadCall } from "./pending-call";
import type { ReadTargets } from "./read-targets";

export interface ReaderOptions {
  /** Read applied state as it is instead of joining a ReadIndex round. */
  readonly serializable: boolean;
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
  readonly targets: ReadTargets;
}

interface Batch {
  readonly calls: readonly ReadCall[];
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
export class Reader implements ActorRef<ReadCall> {
  readonly #queue: CallQueue<ReadCall>;
  readonly #inFlight = new Set<Batch>();
  readonly #deadlines: Alarm;
  /** Since the start; shown as metrics. */
  readonly counters = { batches: 0, calls: 0 };
  #turnPosted = false;
  #stopping = false;

  constructor(
    private readonly options: ReaderOptions,
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
  tell(call: ReadCall): void {
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
      const { serializable, attemptMs, backOff } = this.options;
      const batch: Batch = {
        calls,
        payload: encodeReadRequest({ reads: calls, serializable }),
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

  #attempt(batch: Batch): void {
    const { transport, subjects, clock, targets } = this.dependencies;
    const leftMs = batch.deadline - clock.now();
    if (leftMs <= 0 || batch.calls.every((call) => call.settled)) return this.#finish(batch);
    const member = targets.choose(batch.tried);
    if (member === undefined) return this.#attemptLater(batch);
    const timeoutMs = Math.max(1, Math.min(batch.attemptMs, leftMs));
    const headers = traceHeaders(batch.calls.find((call) => call.traceContext !== undefined)?.traceContext);
    const options = headers === undefined ? { timeoutMs } : { timeoutMs, headers };
    transport.request(subjects.node(member, "read"), batch.payload, options, (result) => {
      this.#answered(batch, member, result);
    });
  }

  #answered(batch: Batch, member: MemberId, result: RequestResult): void {
    if (!this.#inFlight.has(batch)) return; // closed meanwhile
    if (result.kind === "answer" && this.#handOut(batch, member, result.payload)) return this.#finish(batch);
    if (result.kind === "no-answer" && result.why === "timeout") {
      batch.attemptMs = Math.min(batch.attemptMs * 2, this.options.attemptMsMax);
    }
    // Not being sent says nothing about the member.
    if (result.kind !== "not-sent") {
      this.dependencies.targets.failed(member);
      batch.tried.add(member);
    }
    this.#attemptLater(batch);
  }

  /** @returns false if the member did not read. */
  #handOut(batch: Batch, member: MemberId, payload: Uint8Array): boolean {
    const answer = readableAnswer(payload, decodeReadResponse, batch.calls.length);
    if (answer?.kind === "refused" && answer.refusal.reason === "malformed") {
      for (const call of batch.calls) call.fail(definite("internal", "a member could not read the request"));
      return true;
    }
    if (answer?.kind !== "results") return false;
    this.dependencies.targets.answered(member);
    answer.results.forEach((result, at) => settleFromResult(batch.calls[at]!, result));
    return true;
  }

  #attemptLater(batch: Batch): void {
    batch.waiting = this.dependencies.clock.setTimer(batch.backOff.next(), () => this.#attempt(batch));
  }

  #finish(batch: Batch): void {
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
