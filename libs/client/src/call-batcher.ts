import type { Scheduler } from "@quorate/base";
import type { Transport } from "@quorate/transport";
import { decodeBatchResponse, encodeBatchRequest, type BatchAnswer, type BatchCall } from "@quorate/wire";
import { errorCodeOf } from "./errors";
import type { AttemptResult, PendingCall } from "./pending-call";
import { attemptResultOf } from "./transport-failure";

export interface CallBatcherOptions {
  /** The subject that takes batches. */
  readonly subject: string;
  /** Encoded bytes of one batch; a single larger call goes alone, and the transport fragments it. */
  readonly batchBytesMax: number;
  readonly batchCallsMax: number;
}

export interface CallBatcherDependencies {
  readonly transport: Transport;
  readonly scheduler: Scheduler;
}

interface QueuedCall {
  readonly call: PendingCall<unknown>;
  readonly request: BatchCall;
}

/** Tag and length of a call within its batch, and of its request within the call. */
const ENVELOPE_BYTES = 16;

/**
 * Sends all calls of one turn of the event loop as one message, or as few as the limits allow. A message costs broker and
 * gateway about as much as the call in it. The next batch does not wait for the answers to the last.
 */
export class CallBatcher {
  #queue: QueuedCall[] = [];

  constructor(
    private readonly options: CallBatcherOptions,
    private readonly dependencies: CallBatcherDependencies,
  ) {}

  add(call: PendingCall<unknown>, request: BatchCall): void {
    this.#queue.push({ call, request });
    if (this.#queue.length === 1) this.dependencies.scheduler.post(this.#flush);
  }

  readonly #flush = (): void => {
    const queue = this.#queue;
    this.#queue = [];
    let batch: QueuedCall[] = [];
    let bytes = 0;
    for (const queued of queue) {
      if (queued.call.isDone) continue; // aborted before it was sent
      const size = queued.request.bytes.length + ENVELOPE_BYTES;
      const isFull = batch.length >= this.options.batchCallsMax || bytes + size > this.options.batchBytesMax;
      if (isFull && batch.length > 0) {
        this.#send(batch);
        batch = [];
        bytes = 0;
      }
      batch.push(queued);
      bytes += size;
    }
    if (batch.length > 0) this.#send(batch);
  };

  #send(batch: readonly QueuedCall[]): void {
    const payload = encodeBatchRequest(batch.map(({ request }) => request));
    // Each call gives up at its own deadline; the request has to last as long as the longest of them.
    const timeoutMs = batch.reduce((longest, { call }) => Math.max(longest, call.remainingMs), 0);
    for (const { call } of batch) call.markSent();
    this.dependencies.transport.request(this.options.subject, payload, { timeoutMs }, (result) => {
      settleAll(batch, attemptResultOf(result));
    });
  }
}

function settleAll(batch: readonly QueuedCall[], result: AttemptResult): void {
  if (result.kind === "failed") {
    for (const { call } of batch) call.settle(result);
    return;
  }
  let answers: readonly BatchAnswer[];
  try {
    answers = decodeBatchResponse(result.payload);
  } catch {
    answers = [];
  }
  batch.forEach(({ call }, at) => call.settle(attemptResultOfAnswer(answers[at])));
}

function attemptResultOfAnswer(answer: BatchAnswer | undefined): AttemptResult {
  if (answer === undefined) {
    return {
      kind: "failed",
      code: "INTERNAL",
      message: "Cannot read the gateway's answer",
      unknownOutcome: true,
    };
  }
  if (answer.ok) return { kind: "ok", payload: answer.bytes };
  const { code, message, unknownOutcome } = answer;
  return { kind: "failed", code: errorCodeOf(code), message, unknownOutcome };
}
