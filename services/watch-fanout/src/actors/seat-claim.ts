import type { ActorRef } from "@quorate/actor";
import type { Clock, Timer } from "@quorate/base";
import type { Revision } from "@quorate/mvcc";
import type { RequestResult, Transport } from "@quorate/transport";
import type { SourceId } from "@quorate/watch";
import {
  decodeEventSeatAnswer,
  DecodeError,
  encodeEventSeatRequest,
  type EventSeatAnswer,
  type Subjects,
} from "@quorate/wire";
import type { SeatMessage } from "./event-publisher";
import type { MemberId } from "./node-directory";

export interface SeatClaimOptions {
  readonly source: SourceId;
  /** How often the leader is asked, in milliseconds. */
  readonly renewMs: number;
  readonly answerMs: number;
  /** How long the seat is kept without an answer: not longer than a leader keeps it, so that there are no two holders. */
  readonly holdMs: number;
}

export interface SeatClaimDependencies {
  readonly transport: Transport;
  readonly subjects: Subjects;
  readonly clock: Clock;
  readonly leader: () => MemberId | undefined;
  readonly published: () => Revision;
  readonly fanout: ActorRef<SeatMessage>;
}

/**
 * Asks the leader again and again to let this fan-out publish event subjects, and tells it what it knows of how far they have
 * been published: a new leader learns it so.
 */
export class SeatClaim {
  #timer: Timer | undefined;
  #heldUntil = -Infinity;
  #closed = false;

  constructor(
    private readonly options: SeatClaimOptions,
    private readonly dependencies: SeatClaimDependencies,
  ) {
    this.#ask();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #ask(): void {
    const { source, renewMs, answerMs: timeoutMs } = this.options;
    const { transport, subjects, clock, leader: whoLeads, published } = this.dependencies;
    this.#timer = clock.setTimer(renewMs, () => this.#ask());
    const leader = whoLeads();
    if (leader === undefined) return this.#unanswered();
    const askedAt = clock.now();
    const request = encodeEventSeatRequest({ source, published: published() });
    transport.request(subjects.node(leader, "seat"), request, { timeoutMs }, (result) => {
      if (this.#closed) return;
      const answer = answerOf(result);
      if (answer?.holder === undefined) return this.#unanswered();
      const held = answer.holder === source;
      // Counted from the question: the leader counts from when it heard it.
      this.#heldUntil = held ? askedAt + this.options.holdMs : -Infinity;
      this.dependencies.fanout.tell({ kind: "seat", held, published: answer.published });
    });
  }

  #unanswered(): void {
    const { clock, fanout } = this.dependencies;
    if (clock.now() >= this.#heldUntil) fanout.tell({ kind: "seat", held: false, published: 0 as Revision });
  }
}

function answerOf(result: RequestResult): EventSeatAnswer | undefined {
  if (result.kind !== "answer") return undefined;
  try {
    return decodeEventSeatAnswer(result.payload);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
