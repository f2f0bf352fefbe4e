import type { Clock, Timer } from "@quorate/base";
import type { RequestResult, Transport } from "@quorate/transport";
import {
  decodeProposeResponse,
  encodeMembershipOrder,
  type MembershipOrder,
  type Subjects,
} from "@quorate/wire";
import { definite, unknownOutcome, type FailureCode, type RequestFailure } from "../api/request-failure";
import type { Instant } from "./instant";
import { LeaderTarget } from "./leader-target";
import type { LeaderTracker } from "./leader-tracker";
import type { MemberId } from "./leader-view";
import { readableAnswer } from "./node-result";
import type { TimeoutCause } from "./timeout-cause";

export interface LeaderOrdersOptions {
  /** Orders under way at once; one more is refused. */
  readonly ordersMax: number;
  /** How long one leader is given to answer an order that may be given again, in milliseconds. */
  readonly attemptMs: number;
  /** Before an order that was refused is given again. */
  readonly pauseMs: number;
}

export interface LeaderOrdersDependencies {
  readonly transport: Transport;
  readonly subjects: Subjects;
  readonly clock: Clock;
  readonly tracker: LeaderTracker;
  readonly timeoutCause: TimeoutCause;
}

export interface OrderTerms {
  readonly deadline: Instant;
  /** Given to this member alone, and only while it leads. */
  readonly onlyAt?: MemberId;
}

export type OrderOutcome =
  /** The bytes are borrowed: valid until the callback returns. */
  | { readonly kind: "ok"; readonly bytes: Uint8Array; readonly by: MemberId }
  | { readonly kind: "failed"; readonly failure: RequestFailure };

interface Order extends OrderTerms {
  readonly payload: Uint8Array;
  /** A change has an id, and its repetition does nothing. */
  readonly repeatable: boolean;
  readonly startedAt: Instant;
  readonly reply: (outcome: OrderOutcome) => void;
  /** An attempt got no answer: whatever is heard later, the order may take effect. */
  uncertain: boolean;
  /** Why it was refused last, if a leader said so. */
  refusedFor: FailureCode | undefined;
  pause: Timer | undefined;
}

/**
 * Brings orders about the membership to the leader, one message each.
 *
 * Invariants:
 * - An order is given again after a refusal. After silence only if its repetition does nothing.
 * - Once an attempt got no answer, a failure is never called definite.
 */
export class LeaderOrders {
  readonly #underWay = new Set<Order>();
  readonly #target: LeaderTarget;
  #closed = false;

  constructor(
    private readonly options: LeaderOrdersOptions,
    private readonly dependencies: LeaderOrdersDependencies,
  ) {
    this.#target = new LeaderTarget(dependencies.tracker);
  }

  get idle(): boolean {
    return this.#underWay.size === 0;
  }

  /** @param reply Called exactly once. */
  give(order: MembershipOrder, terms: OrderTerms, reply: (outcome: OrderOutcome) => void): void {
    const refused = this.#closed ? "stopped" : "too-many-requests";
    if (this.#closed || this.#underWay.size >= this.options.ordersMax)
      return reply({ kind: "failed", failure: definite(refused) });
    const given: Order = {
      ...terms,
      payload: encodeMembershipOrder(order),
      repeatable: order.order.kind === "change",
      startedAt: this.dependencies.clock.now(),
      reply,
      uncertain: false,
      refusedFor: undefined,
      pause: undefined,
    };
    this.#underWay.add(given);
    this.#attempt(given);
  }

  /** Answers everything that still waits. */
  close(): void {
    this.#closed = true;
    for (const order of this.#underWay) this.#fail(order, unknownOutcome("stopped"));
  }

  #attempt(order: Order): void {
    const { transport, subjects, clock, timeoutCause } = this.dependencies;
    const leftMs = order.deadline - clock.now();
    const leader = this.#target.choose();
    if (order.onlyAt !== undefined && leader !== order.onlyAt)
      return this.#fail(order, definite("not-leader"));
    if (leftMs <= 0) {
      return this.#fail(order, definite(order.refusedFor ?? timeoutCause.of(order.startedAt)));
    }
    if (leader === undefined) return this.#later(order, leftMs);
    const timeoutMs = Math.max(1, order.repeatable ? Math.min(leftMs, this.options.attemptMs) : leftMs);
    transport.request(subjects.node(leader, "membership"), order.payload, { timeoutMs }, (result) => {
      if (this.#underWay.has(order)) this.#answered(order, leader, result);
    });
  }

  #answered(order: Order, leader: MemberId, result: RequestResult): void {
    switch (result.kind) {
      case "answer":
        return this.#judge(order, leader, result.payload);
      case "no-responders":
        this.#target.failed(leader, { kind: "absent" });
        return this.#later(order);
      case "not-sent":
        return this.#later(order);
      case "no-answer":
        return this.#unanswered(order);
    }
  }

  #judge(order: Order, leader: MemberId, payload: Uint8Array): void {
    const answer = readableAnswer(payload, decodeProposeResponse, 1);
    if (answer === undefined) return this.#unanswered(order);
    if (answer.kind === "refused") {
      const { refusal } = answer;
      this.#target.failed(leader, { kind: "refused", refusal });
      if (refusal.reason === "malformed")
        return this.#fail(order, definite("internal", "the leader could not read the order"));
      if (refusal.reason === "not-leader" && order.onlyAt !== undefined)
        return this.#fail(order, definite("not-leader"));
      if (refusal.reason === "configuration-pending") order.refusedFor = "membership-unsettled";
      return this.#later(order);
    }
    const [result] = answer.results;
    if (!result!.ok) return this.#fail(order, definite(result!.failure.code, result!.failure.detail));
    this.#underWay.delete(order);
    order.reply({ kind: "ok", bytes: result!.bytes, by: leader });
  }

  #unanswered(order: Order): void {
    order.uncertain = true;
    if (order.repeatable) this.#later(order);
    else this.#fail(order, unknownOutcome(this.dependencies.timeoutCause.of(order.startedAt)));
  }

  #later(order: Order, leftMs = Infinity): void {
    const waitMs = Math.min(this.options.pauseMs, leftMs);
    order.pause = this.dependencies.clock.setTimer(waitMs, () => this.#attempt(order));
  }

  #fail(order: Order, failure: RequestFailure): void {
    this.#underWay.delete(order);
    order.pause?.cancel();
    order.reply({
      kind: "failed",
      failure: order.uncertain ? { ...failure, unknownOutcome: true } : failure,
    });
  }
}
