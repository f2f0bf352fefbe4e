import type { LogIndex } from "@quorate/raft";
import {
  encodeLeaseResponse,
  type AnswerAs,
  type LeaseQuery,
  type RefusalReason,
  type Result,
} from "@quorate/wire";
import type { Asker, LeadershipView } from "./proposals";

/** A gateway's questions about leases, from their arrival to the one answer to all of them. */
export class LeaseAsk {
  readonly #results: Result[];
  #missing: number;
  /** What must be applied before it can be answered; undefined until a quorum has confirmed the leadership. */
  index: LogIndex | undefined;

  constructor(
    readonly queries: readonly LeaseQuery[],
    readonly arrivedAt: number,
    private readonly asker: Asker,
  ) {
    this.#results = new Array<Result>(queries.length);
    this.#missing = queries.length;
  }

  /** In whose name it is answered. */
  get answerAs(): AnswerAs {
    return this.asker.answerAs;
  }

  /** Each question is settled once. @returns whether that was the last one, and the answer is sent. */
  settle(at: number, bytes: Uint8Array): boolean {
    this.#results[at] = { ok: true, bytes };
    this.#missing -= 1;
    if (this.#missing > 0) return false;
    this.asker.span?.end(undefined);
    this.asker.answer(encodeLeaseResponse({ kind: "results", results: this.#results }));
    return true;
  }

  /** None of the questions is answered; all may be asked again. */
  refuse(reason: RefusalReason, { term, leader }: LeadershipView): void {
    this.asker.span?.end(`refused: ${reason}`);
    this.asker.answer(encodeLeaseResponse({ kind: "refused", refusal: { reason, term, leader } }));
  }
}

/** One question that waits for an entry of the log. */
export interface LeaseWaiter {
  readonly ask: LeaseAsk;
  readonly at: number;
}
